package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"rules_romfs/internal/symlink"
)

// places are where the events of a set of paths come from. All keys are real
// paths, which is what events have.
type places struct {
	dirs   map[string]bool     // to be watched
	listed map[string]string   // directories of the set, as it has them
	paths  map[string][]string // what else an event may be about, as the set has it
}

// locate finds the places of a set of paths.
func locate(set []string) places {
	p := places{dirs: map[string]bool{}, listed: map[string]string{}, paths: map[string][]string{}}
	real := map[string]string{} // of directories, for those with many files
	for _, path := range set {
		dir, ok := real[filepath.Dir(path)]
		if !ok {
			dir = realPath(filepath.Dir(path))
			real[filepath.Dir(path)] = dir
		}
		if dir == "" {
			p.absent(path)
			continue
		}
		p.add(path, filepath.Join(dir, filepath.Base(filepath.Clean(path))), dir)
	}
	return p
}

// add adds a path of the set that lies, or would lie, at name in the directory dir.
func (p *places) add(path, name, dir string) {
	info, err := os.Lstat(name)
	if err == nil && info.Mode()&os.ModeSymlink != 0 {
		p.paths[name] = append(p.paths[name], path)
		p.dirs[dir] = true
		link := name
		if name = realPath(link); name == "" { // it leads nowhere yet
			if place, _ := symlink.Target(link); place != "" {
				p.appear(path, place)
			}
			return
		}
		dir = filepath.Dir(name)
		info, err = os.Stat(name)
	}
	if err == nil && info.IsDir() {
		if name = realPath(path); name == "" { // removed since
			p.absent(path)
			return
		}
		p.listed[name] = path
		dir = name
	}
	p.paths[name] = append(p.paths[name], path)
	p.dirs[dir] = true
}

// absent has the place watched of a path that is not there.
func (p *places) absent(path string) {
	if place, err := filepath.Abs(path); err == nil {
		p.appear(path, place)
	}
}

// appear has the nearest directory watched in which something would have to appear
// for place, which is path's, to exist.
func (p *places) appear(path, place string) {
	for at := place; filepath.Dir(at) != at; at = filepath.Dir(at) {
		if dir := realPath(filepath.Dir(at)); dir != "" {
			name := filepath.Join(dir, filepath.Base(at))
			p.paths[name] = append(p.paths[name], path)
			p.dirs[dir] = true
			return
		}
	}
}

// realPath returns the one name of what is there; "" if nothing is.
func realPath(path string) string {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	if path, err = filepath.Abs(path); err != nil {
		return ""
	}
	return path
}

// advise says what to do where the system watches no more directories.
func advise(dir string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) {
		return fmt.Errorf("watching %s: %w; the system watches no more directories: raise its limit (on Linux: sysctl fs.inotify.max_user_watches), or end other programs that watch", dir, err)
	}
	return fmt.Errorf("watching %s: %w", dir, err)
}
