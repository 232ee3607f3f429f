package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
)

type auditCommand struct {
	List   auditList   `cmd:"" help:"List the newest entries."`
	Verify auditVerify `cmd:"" help:"Recompute every leaf and chain and name the first bad entry."`
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
	Tenant string `help:"Slug of the tenant." required:""`
}

// Run verifies the stored trail against itself. What was cut off at its end, or
// rewritten as a whole, is only found against a checkpoint kept elsewhere.
func (a *auditVerify) Run(ctx context.Context, s *Settings) error {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	resp, err := c.post(ctx, a.Tenant, "/console/v1/audit/verify", "application/json", bytes.NewReader(nil))
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
