package privacy

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/privacy/dossier"
	"github.com/lendkeep/lendkeep/platform/internal/privacy/register"
)

// ExportIn asks for everything that is held about a person.
type ExportIn struct {
	ID     string `path:"id" json:"-"`
	Format string `json:"format,omitempty" enum:",json,pdf" doc:"json unless told"`
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"For the audit trail, where it stays: without anything that tells who the person is."`
}

// Export is one export that was made.
type Export struct {
	ID     id.DataExport `json:"id" class:"public"`
	Object string        `json:"object" class:"public"`
	Format string        `json:"format" class:"public" enum:"json,pdf"`
	Reason string        `json:"reason" class:"public"`
	MadeBy string        `json:"made_by" class:"public"`
	MadeAt string        `json:"made_at" class:"public"`
}

// ExportListOut is the newest exports.
type ExportListOut struct {
	Items []Export `json:"items"`
	Total int      `json:"total" class:"public"`
	Next  string   `json:"next" class:"public"`
}

func (d *Desk) exportOperations() {
	export := func(noun string) *gate.Op[ExportIn, gate.File] {
		o := edit(noun+".data.export", "Export everything about a "+person(noun), "POST", "/"+noun+"s/{id}/data-export", func(ctx context.Context, c *gate.Call, in *ExportIn) (*gate.File, error) {
			return d.export(ctx, c, noun+"/"+in.ID, in)
		})
		o.Screen = titled(noun)
		o.Object, o.Part = func(in *ExportIn) string { return noun + "/" + in.ID }, noun
		return o
	}
	d.BorrowerExport, d.ApplicationExport = export("borrower"), export("application")
	d.ExportList = look("privacy.export.list", "List exports of personal data", "/data-exports", d.exportList)
}

// export gives everything that is held about a person, personal values in full.
// It is a write: the record that it was made commits before the file leaves.
func (d *Desk) export(ctx context.Context, c *gate.Call, object string, in *ExportIn) (*gate.File, error) {
	s, err := d.find(ctx, c, object)
	if err != nil {
		return nil, err
	}
	if hidden := Hidden(c.Visibility()); len(hidden) > 0 {
		c.Refuse(errHidden(hidden))
		return &gate.File{}, nil
	}
	format := in.Format
	if format == "" {
		format = "json"
	}
	var f fault.Collector
	f.Check(format == "json" || format == "pdf", "format", "Choose json or pdf.")
	reason := text(&f, "reason", in.Reason, 1, 500, s.values...)
	if err := f.Err(); err != nil {
		return nil, err
	}
	if s.erasedAt != 0 {
		return nil, errErased()
	}
	held, err := register.Held(ctx, c.Tx, c.Persons(), d.config.Register, &s.Person)
	if err != nil {
		return nil, err
	}
	looks, err := lookedAt(ctx, c.Tx, s.Objects())
	if err != nil {
		return nil, err
	}
	made := id.New[id.DataExport](c.At)
	doc := &dossier.Document{ID: string(made), Object: object, Lender: c.Tenant.Name, Made: instant(c.At), MadeBy: c.Who.Name, Class: dossier.Class, Sections: held, Looks: looks}
	c.Given(reason)
	c.Detail("export", string(made))
	c.Detail("format", format)
	c.Detail("fields", doc.Fields())
	if _, err := c.Tx.Exec(ctx, `INSERT INTO data_export (id, object, format, reason, made_by, made_by_name, made_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		made, object, format, reason, c.Who.String(), c.Who.Name, c.At); err != nil {
		return nil, err
	}
	if format == "pdf" {
		body, err := doc.PDF(c.At)
		return &gate.File{Name: string(made) + ".pdf", ContentType: "application/pdf", Body: body}, err
	}
	body, err := doc.JSON()
	return &gate.File{Name: string(made) + ".json", ContentType: "application/json", Body: body}, err
}

// Hidden names what an export tells in full and a role with the ceiling v may not see in
// full. To leave it out for one reader would make a file that says it is everything.
func Hidden(v secret.Visibility) (out []string) {
	if !(secret.SSN{}).Reveals(v) {
		out = append(out, "ssn")
	}
	if !(secret.BirthDate{}).Reveals(v) {
		out = append(out, "date_of_birth")
	}
	return out
}

func errHidden(fields []string) *fault.Error {
	f := fault.New(fault.Denied, "role_hides_field", "An export tells everything in full, and your role does not. Ask somebody whose role does, or have yours changed.")
	for _, name := range fields {
		f.Fields = append(f.Fields, fault.Field{Path: name, Reason: f.Reason, Mend: "Your role does not show this field in full: that takes full as its visibility." + name + "."})
	}
	return f
}

// lookedAt sums up who did what about a person, and when, by the trail.
func lookedAt(ctx context.Context, tx *db.Tx, objects []string) ([]dossier.Look, error) {
	in := db.In("e.object", objects)
	return db.All(ctx, tx, func(r *db.Rows) (l dossier.Look, err error) {
		var first, last int64
		err = r.Scan(&l.Who, &l.Operation, &l.Object, &l.Outcome, &l.Times, &first, &last)
		l.First, l.Last = instant(first), instant(last)
		return l, err
	}, `SELECT COALESCE(MAX(s.name), e.actor), e.operation, e.object, e.outcome, COUNT(*), MIN(e.at), MAX(e.at)
		FROM audit_entry e LEFT JOIN staff s ON 'user/' || s.id = e.actor WHERE `+in.SQL()+` GROUP BY e.actor, e.operation, e.object, e.outcome ORDER BY MIN(e.at), e.actor, e.operation, e.object, e.outcome`, in.Args()...)
}

func exports(ctx context.Context, tx *db.Tx, cond db.Cond, limit int) ([]Export, error) {
	list, err := db.All(ctx, tx, func(r *db.Rows) (e Export, err error) {
		var at int64
		err = r.Scan(&e.ID, &e.Object, &e.Format, &e.Reason, &e.MadeBy, &at)
		e.MadeAt = instant(at)
		return e, err
	}, `SELECT id, object, format, reason, made_by_name, made_at FROM data_export WHERE `+cond.SQL()+` ORDER BY made_at DESC, id DESC LIMIT ?`, append(cond.Args(), limit)...)
	if list == nil {
		list = []Export{}
	}
	return list, err
}

func (d *Desk) exportList(ctx context.Context, c *gate.Call, _ *Nothing) (*ExportListOut, error) {
	list, err := exports(ctx, c.Tx, within(c, "object"), mostShown)
	return &ExportListOut{Items: list, Total: len(list)}, err
}
