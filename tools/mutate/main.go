// Command mutate tells how well tests catch mistakes: it puts faults into the code
// of a package, one at a time, runs its tests with each, and lists those that no
// test has noticed.
//
//	go run ./tools/mutate romfs            all faults in packager/romfs
//	go run ./tools/mutate -sample 200 plan 200 of those in the planner of deploys
//	go run ./tools/mutate -match settle.go romfs
//
// A fault is a small change of meaning: a bound that is off by one, a condition
// turned round, a sum that is a difference, a number that is one more, a statement
// or an error that is left out. All faults are compiled into one test program, and
// the environment says which one is alive, so that one build does for all.
//
// Of some faults nothing can be noticed: survivors.txt lists them with the reason. What
// survives besides is printed, and so is what is in the list and does not. It is an
// error if fewer are caught than -least says.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A target is code, and the tests that are to notice what is wrong with it.
type target struct {
	code  []string // folders of packages, or files of them
	tests []run    // in order, until one fails
}

// A run is some tests of a package.
type run struct{ dir, pattern, skip string }

// What boards and other programs make of plans and images is not among the tests: it
// would find more, and take a day.
var targets = map[string]target{
	"romfs": {
		code: []string{"packager/romfs"},
		tests: []run{
			{"packager/romfs", ".", programs + "|" + second + "|" + seconds},
			{"packager/romfs", second, ""},
			{"packager/romfs", seconds, ""},
		},
	},
	"plan": {
		code: []string{"packager/deploy/flash", "packager/deploy/plan.go", "packager/deploy/delta.go"},
		tests: []run{
			{"packager/deploy/flash", ".", ""},
			{"packager/deploy", "^TestPlan", ""},
		},
	},
}

// Tests of packager/romfs that start programs of others, and those that take up to a
// second, or seconds: most faults are noticed before these.
const (
	programs = "^Test(.*Driver.*|ReaderAgrees.*|OpenMVReference|EqualsMpremote.*|RewriteProperties|Trees|DrawnTrees|LargeTree)$"
	second   = "^Test(TornCommit|HugePadding|RewriteEqualsBuild|FS|ValidateBounds|EveryByte|EveryReadError|ReadsLittle|Concurrent)$"
	seconds  = "^Test(PlanProperties|GreedyIsOptimal|Limits|DeepNesting)$"
)

func main() {
	sample := flag.Int("sample", 0, "try so many `faults`, chosen by chance but the same each time; 0: all")
	least := flag.Float64("least", 0, "fail if fewer `percent` are caught")
	match := flag.String("match", "", "try only faults whose name matches the `regexp`: the file, the function and the change")
	jobs := flag.Int("jobs", runtime.NumCPU(), "test programs to run at once")
	flag.Parse()
	t, ok := targets[flag.Arg(0)]
	only, err := regexp.Compile(*match)
	if flag.NArg() != 1 || !ok || err != nil {
		fmt.Fprintln(os.Stderr, "usage: mutate [-sample N] [-match REGEXP] [-jobs N] [-least PERCENT] romfs|plan")
		os.Exit(2)
	}
	if err := measure(t, choice{only, *sample}, *jobs, *least); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// A choice is which faults are tried.
type choice struct {
	match  *regexp.Regexp
	sample int // 0: all that match
}

func (c choice) of(faults []fault) (chosen []fault) {
	for _, f := range faults {
		if c.match.MatchString(f.name) {
			chosen = append(chosen, f)
		}
	}
	if c.sample > 0 && c.sample < len(chosen) {
		r := rand.New(rand.NewPCG(1, 2))
		r.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		chosen = chosen[:c.sample]
		slices.SortFunc(chosen, func(a, b fault) int { return a.id - b.id })
	}
	return chosen
}

// measure tries faults and reports on them.
func measure(t target, c choice, jobs int, least float64) error {
	work, err := os.MkdirTemp("", "mutate.*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	faults, overlay, err := plant(t.code, work)
	if err != nil {
		return err
	}
	programs, err := build(t.tests, overlay, work)
	if err != nil {
		return err
	}
	// Without a fault, all pass; else nothing would be learned. How long they take says
	// when a fault has them run for ever.
	limits := make([]time.Duration, len(t.tests))
	for i, r := range t.tests {
		start := time.Now()
		if result, output := try(r, programs[i], 0, 10*time.Minute); result != passed {
			return fmt.Errorf("the tests of %s fail without any fault:\n%s", r.dir, output)
		}
		limits[i] = max(10*time.Second, 20*time.Since(start))
	}
	chosen := c.of(faults)
	if len(chosen) == 0 {
		return errors.New("no fault has such a name")
	}
	results := tryAll(t.tests, programs, limits, chosen, jobs)
	return report(chosen, results, least, len(chosen) == len(faults))
}

//go:embed survivors.txt
var survivors string

// report prints what has survived and is not in the list, and what is and has not; this
// only if all faults were tried.
func report(faults []fault, results []result, least float64, all bool) error {
	listed := map[string]bool{} // whether one with that name has survived
	for line := range strings.Lines(survivors) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			listed[line] = false
		}
	}
	count := map[result]int{}
	unexplained := 0
	for i, f := range faults {
		count[results[i]]++
		if results[i] != passed {
			continue
		}
		if _, ok := listed[f.name]; ok {
			listed[f.name] = true
			continue
		}
		unexplained++
		fmt.Printf("line %d: %s\n", f.line, f.name)
	}
	for _, f := range faults {
		if survived, ok := listed[f.name]; all && ok && !survived {
			fmt.Printf("survivors.txt has, but a test catches: %s\n", f.name)
			delete(listed, f.name)
		}
	}
	caught := count[failed] + count[hung]
	percent := 100 * float64(caught) / float64(len(faults))
	fmt.Printf("%d of %d faults caught, %.1f %%, of which %d by a test that does not end; %d survive for reasons in survivors.txt, %d others\n",
		caught, len(faults), percent, count[hung], count[passed]-unexplained, unexplained)
	if percent < least {
		return fmt.Errorf("%g %% were to be caught", least)
	}
	return nil
}

// build compiles the test program of each run, once for each package.
func build(tests []run, overlay, work string) ([]string, error) {
	var programs []string
	for _, r := range tests {
		program := filepath.Join(work, strings.ReplaceAll(r.dir, "/", "-")+".test")
		if _, err := os.Stat(program); err != nil {
			if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", program, "./"+r.dir).CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%w\n%s", err, out)
			}
		}
		programs = append(programs, program)
	}
	return programs, nil
}

// A result is what tests make of a fault.
type result int

const (
	passed result = iota // the fault survives
	failed
	hung
)

// tryAll returns what the tests make of each fault. The first that notices it counts.
func tryAll(tests []run, programs []string, limits []time.Duration, faults []fault, jobs int) []result {
	results := make([]result, len(faults))
	var wait sync.WaitGroup
	next := make(chan int)
	for range jobs {
		wait.Go(func() {
			for i := range next {
				for k := 0; k < len(tests) && results[i] == passed; k++ {
					results[i], _ = try(tests[k], programs[k], faults[i].id, limits[k])
				}
				if results[i] == passed {
					fmt.Fprintf(os.Stderr, "survives: %s\n", faults[i].name)
				}
			}
		})
	}
	for i := range faults {
		next <- i
		if i%100 == 99 {
			fmt.Fprintf(os.Stderr, "%d of %d\n", i+1, len(faults))
		}
	}
	close(next)
	wait.Wait()
	return results
}

// maxMemory bounds the address space of a test program, in KiB: a fault may have it
// take memory for ever.
const maxMemory = 16 << 20

// try runs tests with one fault alive, 0 for none.
func try(r run, program string, id int, limit time.Duration) (result, string) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", `ulimit -v "$0"; exec "$@"`, strconv.Itoa(maxMemory), program, "-test.failfast", "-test.run", r.pattern, "-test.skip", r.skip)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "MUTANT="+strconv.Itoa(id))
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	output := string(out[max(0, len(out)-2000):])
	switch {
	case ctx.Err() != nil:
		return hung, output
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return failed, output
	}
	return passed, ""
}
