// Auditor verifies an exported audit trail with no server: it reads one file, and says
// whether it holds, against what was kept elsewhere.
//
// It shares with the server the mathematics and the form of entries, and nothing that
// can reach a database or a network.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/lendkeep/lendkeep/internal/proof/bundle"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

// Exit codes.
const (
	holds    = 0 // and agrees with at least one checkpoint kept elsewhere
	broken   = 1 // something is not as it was written
	unread   = 2 // a file or an argument cannot be read
	compared = 3 // the file holds in itself, but was compared with nothing kept elsewhere, or ends before what was
)

type command struct {
	Verify verify `cmd:"" help:"Verify an export. Exit code 0: it holds and agrees with a checkpoint kept elsewhere; 1: it does not; 2: something cannot be read; 3: it holds in itself, but was compared with nothing, or a checkpoint kept elsewhere covers more than it."`
	Show   show   `cmd:"" help:"Print checkpoints of a file in plain words."`
}

type verify struct {
	torn       int      // checkpoints kept elsewhere that are not whole
	Export     string   `arg:"" help:"The exported file; - reads standard input."`
	Checkpoint []string `short:"c" help:"A file of checkpoints kept elsewhere: a witness's file, a saved mail. May be given several times." placeholder:"FILE"`
	Key        []string `short:"k" help:"The trail's public key as you were told it, or a file that holds it. Without one, the keys that the export names are taken, and shown for you to compare." placeholder:"KEY"`
	Quiet      bool     `short:"q" help:"Print nothing but what is wrong."`
}

type show struct {
	File string `arg:"" help:"A file of checkpoints."`
}

func main() {
	var c command
	parser, err := kong.New(&c, kong.Name("auditor"), kong.Description("Verifies an exported Lendkeep audit trail, with no server."), kong.Exit(func(code int) {
		if code != 0 {
			code = unread
		}
		os.Exit(code)
	}))
	if err != nil {
		panic(err) // the commands above are wrong
	}
	ctx, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	var code int
	switch strings.Fields(ctx.Command())[0] {
	case "verify":
		code = c.Verify.run(os.Stdin, os.Stdout, os.Stderr)
	default:
		code = c.Show.run(os.Stdout, os.Stderr)
	}
	os.Exit(code)
}

// run verifies and says what it found.
func (v *verify) run(stdin io.Reader, out, trouble io.Writer) int {
	against, err := v.against()
	if err != nil {
		fmt.Fprintln(trouble, "auditor:", err)
		return unread
	}
	in, size, err := open(v.Export, stdin)
	if err != nil {
		fmt.Fprintln(trouble, "auditor:", err)
		return unread
	}
	defer in.Close()
	began := time.Now()
	bar := v.progress(size, trouble)
	against.Progress = func(bytes int64) { _ = bar.Set64(bytes) }
	report, err := bundle.Check(in, against)
	_ = bar.Clear()
	var bad *bundle.Bad
	if errors.As(err, &bad) {
		fmt.Fprintln(trouble, "BROKEN:", bad.Error())
		return broken
	}
	if err != nil {
		fmt.Fprintln(trouble, "auditor:", err)
		return unread
	}
	if !v.Quiet {
		v.say(out, report, time.Since(began))
	}
	if n := len(report.Beyond); n > 0 {
		fmt.Fprintf(trouble, "ENDS EARLY: the export ends at entry %d, and a checkpoint kept elsewhere covers %d. Whoever made the export says that it was made before; it does not show what came between.\nAsk for a newer export.\n", report.Checkpoint.Size, report.Beyond[n-1])
		return compared
	}
	if len(report.Compared) == 0 {
		if !v.Quiet {
			fmt.Fprintln(out, "\nNOT COMPARED: the file holds in itself, but was held against nothing that its maker could not change.\nGive a checkpoint that was kept elsewhere: --checkpoint FILE.")
		}
		return compared
	}
	return holds
}

func (v *verify) against() (bundle.Against, error) {
	var a bundle.Against
	for _, f := range v.Checkpoint {
		b, err := os.ReadFile(f)
		if err != nil {
			return a, err
		}
		notes, torn := checkpoint.Whole(string(b))
		if len(notes) == 0 {
			return a, fmt.Errorf("%s holds no checkpoint that is whole", f)
		}
		v.torn += torn
		a.Checkpoints = append(a.Checkpoints, notes...)
	}
	for _, k := range v.Key {
		if b, err := os.ReadFile(k); err == nil {
			a.Keys = append(a.Keys, strings.Fields(string(b))...)
			continue
		}
		a.Keys = append(a.Keys, k)
	}
	for _, k := range a.Keys {
		if _, _, err := checkpoint.OpenNote("a\n\n— a AAAAAA==\n", k); err != nil && !errors.Is(err, checkpoint.ErrUnsigned) && !errors.Is(err, checkpoint.ErrForm) {
			return a, fmt.Errorf("--key %q: no file of that name, and no key", k)
		}
	}
	return a, nil
}

func open(name string, stdin io.Reader) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(stdin), -1, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (v *verify) progress(size int64, trouble io.Writer) *progressbar.ProgressBar {
	if f, is := trouble.(*os.File); v.Quiet || !is || !term.IsTerminal(int(f.Fd())) {
		trouble = io.Discard
	}
	return progressbar.NewOptions64(size, progressbar.OptionSetWriter(trouble), progressbar.OptionSetDescription("Verifying"),
		progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond))
}

var extents = map[bundle.Extent]string{
	bundle.Whole:  "every entry of the trail up to the checkpoint",
	bundle.Object: "every entry about %s up to the checkpoint",
	bundle.Part:   "a selection, which does not claim to be complete: %s",
}

func (v *verify) say(out io.Writer, r *bundle.Report, took time.Duration) {
	h := r.Head
	about := extents[h.Extent]
	switch h.Extent {
	case bundle.Object:
		about = fmt.Sprintf(about, quoted(h.Object))
	case bundle.Part:
		about = fmt.Sprintf(about, quoted(h.Selection))
	}
	line := func(name, value string) { fmt.Fprintf(out, "%-14s %s\n", name, value) }
	fmt.Fprintln(out, "HOLDS")
	line("Trail of", strings.TrimSpace(quoted(h.Lender)+" "+bundle.Plain(h.Tenant)))
	line("It is", about)
	line("Made", time.UnixMicro(h.MadeAt).UTC().Format(time.RFC3339)+" by "+quoted(h.MadeBy)+", as its maker says")
	line("Entries", fmt.Sprintf("%d in %s (%.0f a second)", r.Entries, took.Round(time.Millisecond), float64(r.Entries)/took.Seconds()))
	switch {
	case r.Gone > 0 && h.Extent == bundle.Whole:
		line("Disposed of", fmt.Sprintf("%d, their retention over: under %d entries that say so", r.Gone, r.Disposals))
	case r.Gone > 0:
		line("Gone", fmt.Sprintf("what %d entries said, by no right that this file shows; the whole trail shows it", r.Gone))
	}
	if r.Values > 0 {
		line("Sealed values", fmt.Sprintf("%d opened ones match what was committed to", r.Values))
	}
	line("Checkpoint", words(r.Checkpoint))
	for _, k := range r.SignedBy {
		line("Signed by", bundle.Plain(k))
	}
	if len(v.Key) == 0 {
		line("", "(the key that the export names; compare it with the one that you were told)")
	}
	v.beside(line, r)
}

// beside says what was kept elsewhere, and how the file stands to it.
func (v *verify) beside(line func(name, value string), r *bundle.Report) {
	switch n := len(r.Compared); {
	case n == 1:
		line("Agrees with", fmt.Sprintf("the checkpoint kept elsewhere over %d entries", r.Compared[0]))
	case n > 1:
		line("Agrees with", fmt.Sprintf("%d checkpoints kept elsewhere, over %d to %d entries", n, r.Compared[0], r.Compared[n-1]))
	}
	if n := len(r.Unproven); n > 0 {
		line("Not compared", fmt.Sprintf("%d checkpoints kept elsewhere, for which the export carries no proof", n))
	}
	if n := len(r.Beyond); n > 0 {
		line("Not compared", fmt.Sprintf("%d checkpoints kept elsewhere, which cover more than the export", n))
	}
	if v.torn > 0 {
		line("Passed over", fmt.Sprintf("%d checkpoints that were cut off or damaged where they were kept, and say nothing", v.torn))
	}
}

// quoted gives words of the file as such: none of them can pass for the auditor's own.
func quoted(s string) string {
	if s == "" {
		return ""
	}
	return strconv.Quote(s)
}

func words(c checkpoint.Checkpoint) string {
	s := fmt.Sprintf("%d entries, root %x", c.Size, c.Root[:8])
	if c.At != 0 {
		s += ", " + time.UnixMicro(c.At).UTC().Format(time.RFC3339)
	}
	return s
}

// run prints what checkpoints say; it does not ask who signed them.
func (s *show) run(out, trouble io.Writer) int {
	b, err := os.ReadFile(s.File)
	if err != nil {
		fmt.Fprintln(trouble, "auditor:", err)
		return unread
	}
	w := bufio.NewWriter(out)
	defer w.Flush()
	notes, torn := checkpoint.Whole(string(b))
	for _, n := range notes {
		c, err := checkpoint.Unchecked(n)
		if err != nil {
			fmt.Fprintln(trouble, "auditor:", err)
			return unread
		}
		fmt.Fprintln(w, bundle.Plain(c.Origin)+":", words(c))
	}
	if torn > 0 {
		fmt.Fprintln(w, torn, "more were cut off or damaged, and say nothing")
	}
	return holds
}
