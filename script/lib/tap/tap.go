// SPDX-License-Identifier: Apache-2.0

// Package tap prints results as the Test Anything Protocol has them: as much of github.com/mndrix/tap-go,
// which Debian lacks, as the OCI runtime-tools use.
package tap

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// T is one list of results.
type T struct {
	Writer io.Writer // nil: standard output
	plan   int
	last   int
}

// New begins a list.
func New() *T { return &T{} }

func (t *T) print(format string, arguments ...interface{}) {
	writer := t.Writer
	if writer == nil {
		writer = os.Stdout
	}
	fmt.Fprintf(writer, format, arguments...)
}

// Header says how many results there will be; 0: AutoPlan does.
func (t *T) Header(count int) {
	t.plan = count
	t.print("TAP version 13\n")
	if count > 0 {
		t.print("1..%d\n", count)
	}
}

// AutoPlan says how many there were.
func (t *T) AutoPlan() {
	if t.plan == 0 {
		t.print("1..%d\n", t.last)
	}
}

// Ok is one result.
func (t *T) Ok(passed bool, text string) {
	t.last++
	if passed {
		t.print("ok %d - %s\n", t.last, text)
	} else {
		t.print("not ok %d - %s\n", t.last, text)
	}
}

// Pass is a good result.
func (t *T) Pass(text string) { t.Ok(true, text) }

// Fail is a bad one.
func (t *T) Fail(text string) { t.Ok(false, text) }

// Skip is what was not tried.
func (t *T) Skip(count int, why string) {
	for ; count > 0; count-- {
		t.last++
		t.print("ok %d # SKIP %s\n", t.last, why)
	}
}

// Todo marks results that are known to be bad.
func (t *T) Todo() *Todo { return &Todo{t} }

// Todo is what Todo() gives.
type Todo struct{ list *T }

// Fail is a bad result, which counts as skipped.
func (t *Todo) Fail(text string) { t.list.Ok(false, text+" # TODO") }

// Diagnostic is a remark.
func (t *T) Diagnostic(text string) {
	t.print("# %s\n", strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n# "))
}

// Diagnosticf is one with a format.
func (t *T) Diagnosticf(format string, arguments ...interface{}) {
	t.Diagnostic(fmt.Sprintf(format, arguments...))
}

// YAML tells more of the last result.
func (t *T) YAML(value interface{}) error {
	text, err := json.MarshalIndent(value, "  ", "  ")
	if err == nil {
		t.print("  ---\n  %s\n  ...\n", text)
	}
	return err
}
