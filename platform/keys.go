package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/custody"
)

type keysCommand struct {
	Inventory keysInventory `cmd:"" help:"List every key: algorithm, version, age, what it seals, next rotation."`
	Rotate    keysRotate    `cmd:"" help:"Make a new version of a key and seal everything again under it."`
	Destroy   keysDestroy   `cmd:"" help:"Destroy an old version that a rotation keeps, before its time."`
	Make      keysMake      `cmd:"" help:"Make a KMS key in a file or a PKCS#11 token."`
	Rewrap    keysRewrap    `cmd:"" help:"Wrap every tenant's ring under another KMS key; the server must be stopped."`
}

type keysInventory struct {
	Tenant string `help:"Slug of the tenant." required:""`
}

// Run lists the keys; looking is an entry in the trail.
func (k *keysInventory) Run(ctx context.Context, s *Settings) error {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	var out custody.InventoryOut
	if err := c.call(ctx, k.Tenant, "key.inventory", nil, nil, nil, &out); err != nil {
		return err
	}
	fmt.Printf("All keys are wrapped by %s.\n", out.KMS)
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tALGORITHM\tBITS\tVERSION\tAGE\tNEXT ROTATION\tSEALS")
	for _, key := range out.Items {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d days\t%s\t%s\n", key.Purpose, key.Algorithm, key.Bits, key.Version, key.AgeDays, upcoming(key), holdings(key.Seals))
	}
	return w.Flush()
}

func upcoming(k custody.Key) string {
	switch {
	case k.Rotation != nil:
		return "under way: " + k.Rotation.State
	case k.Next != "":
		return k.Next[:len(time.DateOnly)]
	}
	return "never by itself"
}

func holdings(list []custody.Held) string {
	var out []string
	for _, h := range list {
		count := strconv.FormatInt(h.Rows, 10)
		if h.RowsAre == "at_least" {
			count = "at least " + count
		}
		out = append(out, h.Name+" ("+count+")")
	}
	return strings.Join(out, ", ")
}

type keysRotate struct {
	Key    string `arg:"" help:"Which key: fields, blind_index, audit_seal, sign, token, persons or page."`
	Tenant string `help:"Slug of the tenant." required:""`
	Reason string `help:"Why, for the audit trail."`
}

// Run asks for a rotation and shows how far it is, until the proof stands. The
// rotation goes on without it: who ends the command ends nothing else.
func (k *keysRotate) Run(ctx context.Context, s *Settings) error {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	var r custody.Rotation
	if err := c.call(ctx, k.Tenant, "key.rotate", map[string]string{"purpose": k.Key}, nil, map[string]string{"reason": k.Reason}, &r); err != nil {
		return err
	}
	said := ""
	for {
		if err := c.call(ctx, k.Tenant, "key.rotation.view", map[string]string{"id": string(r.ID)}, nil, nil, &r); err != nil {
			return err
		}
		if line := standing(r); line != said {
			fmt.Println(line)
			said = line
		}
		switch {
		case r.Trouble != "":
			return fault.New(fault.Conflict, "key_rotation_stopped", r.Trouble)
		case r.State == "kept" || r.State == "ended":
			return nil
		}
		select {
		case <-ctx.Done():
			fmt.Println("The rotation goes on without this command, as soon as the house runs.")
			return nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// standing words how far a rotation is.
func standing(r custody.Rotation) string {
	switch r.State {
	case "asked":
		return "A new version is being made."
	case "staged":
		return fmt.Sprintf("Version %d stands by until every node knows it.", r.NewVersion)
	case "promoted":
		return fmt.Sprintf("Version %d is in use; writes under version %d end.", r.NewVersion, r.OldVersion)
	case "moving":
		return fmt.Sprintf("Walk %d: %d rows sealed again.", r.Pass, r.Done)
	case "proving":
		return fmt.Sprintf("Counting: %d of %d rows.", r.Done, r.Total)
	case "kept":
		return fmt.Sprintf("Proved: no row is left under version %d. It is kept until %s and then destroyed.", r.OldVersion, r.DropAt)
	case "proved":
		return fmt.Sprintf("Proved: no row is left under version %d.", r.OldVersion)
	}
	return fmt.Sprintf("Ended: version %d is destroyed.", r.OldVersion)
}

type keysDestroy struct {
	Key     string `arg:"" help:"Which key."`
	Version int    `arg:"" help:"Which old version."`
	Tenant  string `help:"Slug of the tenant." required:""`
	Reason  string `help:"Why it does not wait until its time." required:""`
}

// Run has an old version destroyed; its rows are counted once more before.
func (k *keysDestroy) Run(ctx context.Context, s *Settings) error {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	path := map[string]string{"purpose": k.Key, "version": strconv.Itoa(k.Version)}
	if err := c.call(ctx, k.Tenant, "key.destroy", path, nil, map[string]string{"reason": k.Reason}, nil); err != nil {
		return err
	}
	fmt.Printf("Version %d of %s is destroyed as soon as its rows are counted once more. What a backup holds under it cannot be read after that.\n", k.Version, k.Key)
	return nil
}
