package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/lendkeep/lendkeep/platform/internal/house"
)

type tenantCommand struct {
	Create tenantCreate `cmd:"" help:"Make a tenant with its keys, databases, roles and first administrator."`
	List   tenantList   `cmd:"" help:"List the tenants."`
}

type tenantCreate struct {
	Slug       string `arg:"" help:"Short name: lower-case letters, digits and dashes."`
	Name       string `help:"The lender's name." required:""`
	Host       string `help:"Host name that people call, without a port." required:""`
	Region     string `help:"Region in which the data must stay." required:""`
	Zone       string `help:"IANA time zone: what \"today\" means." default:"America/New_York"`
	AdminEmail string `help:"E-mail address of the first administrator." required:""`
	AdminName  string `help:"Name of the first administrator." default:"Administrator"`
}

// Run makes a tenant. The administrator sets a password by a reset link.
func (t *tenantCreate) Run(ctx context.Context, s *Settings) error {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	b, err := json.Marshal(house.TenantIn{Slug: t.Slug, Name: t.Name, Host: t.Host, Region: t.Region, Zone: t.Zone, AdminEmail: t.AdminEmail, AdminName: t.AdminName})
	if err != nil {
		return err
	}
	resp, err := c.post(ctx, "", "/console/v1/tenants", "application/json", bytes.NewReader(b))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	fmt.Printf("Tenant %s is there. %s can ask for a password at https://%s/reset once the server runs.\n", t.Slug, t.AdminEmail, t.Host)
	return nil
}

type tenantList struct{}

// Run lists the tenants.
func (tenantList) Run(ctx context.Context, s *Settings) error {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	resp, err := c.post(ctx, "", "/console/v1/tenants/list", "application/json", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var list []house.TenantOut
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "SLUG\tNAME\tHOST\tREGION\tZONE")
	for _, t := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.Slug, t.Name, t.Host, t.Region, t.Zone)
	}
	return w.Flush()
}

type userCommand struct {
	Create userCreate `cmd:"" help:"Add a user."`
	List   userList   `cmd:"" help:"List the users."`
}

type userCreate struct {
	Tenant string `help:"Slug of the tenant." required:""`
	Email  string `arg:"" help:"E-mail address: the log-in name."`
	Name   string `help:"The person's name." required:""`
	Role   string `help:"A role's name, for example Agent." required:""`
}

// Run adds a user, who sets a password by a reset link.
func (u *userCreate) Run(ctx context.Context, s *Settings) error {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	var out struct {
		ID string `json:"id"`
	}
	if err := c.call(ctx, u.Tenant, "user.create", nil, nil, map[string]string{"email": u.Email, "name": u.Name, "role": u.Role}, &out); err != nil {
		return err
	}
	fmt.Println(out.ID)
	return nil
}

type userList struct {
	Tenant string `help:"Slug of the tenant." required:""`
}

// Run lists a tenant's users.
func (u *userList) Run(ctx context.Context, s *Settings) error {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	var out struct {
		Items []struct {
			ID, Email, Name, Role string
			Active                bool
		} `json:"items"`
	}
	if err := c.call(ctx, u.Tenant, "user.list", nil, nil, nil, &out); err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tEMAIL\tNAME\tROLE\tACTIVE")
	for _, i := range out.Items {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%v\n", i.ID, i.Email, i.Name, i.Role, i.Active)
	}
	return w.Flush()
}

type recoverAdmin struct {
	Email  string `arg:"" help:"E-mail address of the person: a user, or somebody new."`
	Tenant string `help:"Slug of the tenant." required:""`
	Name   string `help:"Name of a person who is no user yet."`
	Reason string `help:"Why; everybody who may change access reads it." required:""`
}

// Run asks for a new administrator, and says from when on there is one.
func (r *recoverAdmin) Run(ctx context.Context, s *Settings) error {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	var out struct {
		Name        string `json:"name"`
		Email       string `json:"email"`
		EffectiveAt string `json:"effective_at"`
	}
	if err := c.call(ctx, r.Tenant, "admin_recovery.ask", nil, nil, map[string]string{"email": r.Email, "name": r.Name, "reason": r.Reason}, &out); err != nil {
		return err
	}
	fmt.Printf("%s (%s) is an administrator of %s from %s on, unless somebody who may change access refuses. All of them are told by mail now.\n", out.Name, out.Email, r.Tenant, out.EffectiveAt)
	return nil
}
