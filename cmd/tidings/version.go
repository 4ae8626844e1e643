package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version of the program, by Semantic Versioning. It is what User-Agent, the
// OpenAPI document and `tidings version` say.
const version = "0.1.0"

// versionCmd prints the version and what the binary was built from.
type versionCmd struct{}

// Run prints.
func (versionCmd) Run(term terminal) error {
	_, err := fmt.Fprintf(term.out, "tidings %s (%s, %s, %s/%s)\n", version, revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// revision says which commit the binary was built from, as far as the build recorded it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "revision unknown"
	}
	commit, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if commit == "" {
		return "revision unknown"
	}
	return "revision " + commit + dirty
}
