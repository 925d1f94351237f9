package main

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rules_romfs/internal/peer"
)

// With raceOptions a program that was built with the race detector does not wait
// a second before it ends.
const race, raceOptions = "GORACE", "atexit_sleep_ms=0"

// TestMain makes the test binary be romfs when a script calls it so: the
// scripts run the real program in a process of its own.
func TestMain(m *testing.M) {
	os.Setenv(race, strings.TrimSpace(os.Getenv(race)+" "+raceOptions))
	testscript.Main(m, map[string]func(){
		"romfs": func() { os.Exit(process()) },
	})
}

// TestScripts runs the sessions in testdata/script. Each is a txtar file; see
// the documentation of rogpeppe/go-internal/testscript for its language.
func TestScripts(t *testing.T) {
	compiler, interpreter, root := peer.MpyCross(t), peer.MicroPython(t), peer.Root(t)
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: scriptCommands,
		Setup: func(env *testscript.Env) error {
			env.Setenv("MPY_CROSS", compiler)
			env.Setenv("ROMFS_MICROPYTHON", interpreter)
			env.Setenv("REPOSITORY", root)
			env.Setenv(race, os.Getenv(race))
			// Caches of its own, so that no script sees another's.
			env.Setenv("ROMFS_CACHE", env.WorkDir+"/.cache")
			return nil
		},
	})
}
