package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"text/tabwriter"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

type auditCommand struct {
	List   auditList   `cmd:"" help:"List the newest entries."`
	Verify auditVerify `cmd:"" help:"Recompute every leaf and chain and name the first bad entry."`
	Export auditExport `cmd:"" help:"Write a signed file that the program auditor verifies with no server."`
}

type auditList struct {
	Tenant    string `help:"Slug of the tenant." required:""`
	Actor     string `help:"Who: user/us_…"`
	Operation string `help:"Which operation."`
	Object    string `help:"Which object: loan/ln_…"`
	Outcome   string `help:"allowed, denied or failed." enum:",allowed,denied,failed" default:""`
	Limit     string `help:"How many." default:"50"`
}

// Run lists the newest entries of the trail; looking is itself an entry.
func (a *auditList) Run(ctx context.Context, s *Settings) error {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	var out struct {
		Items []struct {
			Time, Actor, Channel, Address, Operation, Object, Outcome, Reason string
		} `json:"items"`
	}
	query := map[string]string{"limit": a.Limit}
	for k, v := range map[string]string{"actor": a.Actor, "operation": a.Operation, "object": a.Object, "outcome": a.Outcome} {
		if v != "" {
			query[k] = v
		}
	}
	if err := c.call(ctx, a.Tenant, "audit.list", nil, query, nil, &out); err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tOUTCOME\tACTOR\tCHANNEL\tADDRESS\tOPERATION\tOBJECT\tREASON")
	for _, e := range out.Items {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Time, e.Outcome, e.Actor, e.Channel, e.Address, e.Operation, e.Object, e.Reason)
	}
	return w.Flush()
}

type auditVerify struct {
	Tenant     string   `help:"Slug of the tenant." required:""`
	Checkpoint []string `short:"c" help:"A file of checkpoints kept elsewhere: a witness's file, a saved mail. May be given several times." placeholder:"FILE" type:"existingfile"`
}

// Run verifies the stored trail, against itself and the checkpoints that were kept
// elsewhere: only these show what was rewritten as a whole by somebody with the key.
func (a *auditVerify) Run(ctx context.Context, s *Settings) error {
	var notes bytes.Buffer
	for _, name := range a.Checkpoint {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		notes.Write(append(b, '\n'))
	}
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	resp, err := c.post(ctx, a.Tenant, "/console/v1/audit/verify", "text/plain", &notes)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var out struct {
		OK    bool   `json:"ok"`
		Words string `json:"words"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return err
	}
	if !out.OK {
		return errors.New(out.Words)
	}
	fmt.Println(out.Words)
	return nil
}

type auditExport struct {
	Tenant string `help:"Slug of the tenant." required:""`
	Object string `help:"Only what is about one object, and all of it: loan/ln_…"`
	Since  string `help:"With --object: sizes of checkpoints kept elsewhere that the file shall prove, separated by commas."`
	Output string `short:"o" help:"File to write; it must not be there yet." required:""`
}

// Run writes the whole trail, or all about one object. A file that is broken off has no
// signed end, and is removed.
func (a *auditExport) Run(ctx context.Context, s *Settings) (err error) {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	query := url.Values{"extent": {"whole"}}
	if a.Object != "" {
		query = url.Values{"extent": {"object"}, "object": {a.Object}, "since": {a.Since}}
	}
	resp, err := c.post(ctx, a.Tenant, "/console/v1/audit/export?"+query.Encode(), "text/plain", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	f, err := os.OpenFile(a.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(a.Output)
		}
	}()
	var to io.Writer = f
	if term.IsTerminal(int(os.Stderr.Fd())) {
		to = io.MultiWriter(f, progressbar.DefaultBytes(-1, "Writing "+a.Output))
	}
	if _, err := io.Copy(to, resp.Body); err != nil {
		return fmt.Errorf("the export was broken off: %w", err)
	}
	return f.Sync()
}
