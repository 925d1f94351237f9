// Command releaseinfo writes what a release says about itself, into the folder of
// its files: a bill of materials of each program, the provenance of all files, and
// their checksums.
//
//	go run ./tools/releaseinfo -version V -url URL -commit SHA DIR
//
// Programs are the files called romfs-V-PLATFORM. There is no time and no host in
// what it writes: the same files give the same bytes.
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/trust/intoto"
	"rules_romfs/packager/trust/provenance"
	"rules_romfs/packager/trust/sbom"
)

func main() {
	var r provenance.Release
	flag.StringVar(&r.Parameters.Version, "version", "", "the release's `version`")
	flag.StringVar(&r.Parameters.URL, "url", "", "`URL` where its files will lie")
	flag.StringVar(&r.Commit, "commit", "", "the `commit` that it was built from")
	flag.Parse()
	if flag.NArg() != 1 || r.Parameters.Version == "" || r.Commit == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(&r, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "releaseinfo:", err)
		os.Exit(1)
	}
}

func run(r *provenance.Release, dir string) error {
	stem := "romfs-" + r.Parameters.Version
	if err := bills(r, dir, stem); err != nil {
		return err
	}
	files, err := digests(dir)
	if err != nil {
		return err
	}
	r.Files = files
	s, err := r.Statement()
	if err != nil {
		return err
	}
	text, err := s.Encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, stem+".provenance.json"), text, 0o666); err != nil {
		return err
	}
	return checksums(dir, filepath.Join(dir, stem+".sha256"))
}

// bills writes a bill for each program, and notes what it is built of.
func bills(r *provenance.Release, dir, stem string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		platform, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".exe"), stem+"-")
		if !ok || strings.Contains(platform, ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		sum, err := digest(path)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		p := sbom.Program{Name: "romfs", Version: r.Parameters.Version, SHA256: sum, Info: info}
		if err := p.WriteCycloneDX(&b); err != nil {
			return err
		}
		if err := os.WriteFile(path+".cdx.json", b.Bytes(), 0o666); err != nil {
			return err
		}
		r.Programs = append(r.Programs, info)
		r.Parameters.Platforms = append(r.Parameters.Platforms, platform)
	}
	if len(r.Programs) == 0 {
		return fmt.Errorf("%s holds no program called %s-PLATFORM", dir, stem)
	}
	return nil
}

func digest(path string) (artifact.Digest, error) {
	b, err := os.ReadFile(path)
	return artifact.Digest(sha256.Sum256(b)), err
}

// digests are the files of a folder, by name.
func digests(dir string) ([]intoto.Resource, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []intoto.Resource
	for _, e := range entries {
		sum, err := digest(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, intoto.Resource{Name: e.Name(), Digest: intoto.SHA256(sum)})
	}
	return all, nil
}

// checksums writes the digests of all files of a folder in the form of sha256sum.
func checksums(dir, to string) error {
	files, err := digests(dir)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%s  %s\n", f.Digest["sha256"], f.Name)
	}
	return os.WriteFile(to, []byte(b.String()), 0o666)
}
