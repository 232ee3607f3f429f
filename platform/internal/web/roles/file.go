package roles

import (
	"context"
	"strconv"

	"github.com/lendkeep/lendkeep/platform/internal/admin/policyfile"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// filePage is where the policy file is downloaded and taken in.
func (r *Room) filePage(v *visit.Visit) visit.Screen {
	return func(_ context.Context, p *gate.Page) (visit.View, error) {
		view := under("Policy file", fileBody(v, p.Can(r.file.Import.Name, "")))
		view.Page.Subtitle = "Roles, search restrictions and IP sets as YAML"
		if p.Can(r.file.Export.Name, "") {
			view.Page.Actions = []parts.Button{{Label: "Export everything", Kind: parts.Primary, Href: file + "/download"}}
		}
		return view, nil
	}
}

func (r *Room) download(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.file.Export)
		if err != nil {
			return visit.View{}, err
		}
		return visit.View{File: &visit.File{Name: out.Name, Kind: out.ContentType, Body: out.Body}}, nil
	}
}

// take rehearses a file, shows the difference, and takes it in when that is sent
// again.
func (r *Room) take(v *visit.Visit) {
	visit.Act(v, r.file.Import, func(out *policyfile.ImportOut) visit.Answer {
		if !out.DryRun {
			return visit.Go(home, plural(len(out.Changes), "1 change taken in.", parts.Count(len(out.Changes))+" changes taken in."))
		}
		text := v.Form().Get("yaml")
		return visit.Render(func(context.Context, *gate.Page) (visit.View, error) {
			view := under("What the file would change", differenceBody(out, text))
			view.Page.Crumbs = append(view.Page.Crumbs, parts.Link{Text: "Policy file", Href: file})
			return view, nil
		})
	}, r.filePage(v))
}

func changeRows(out *policyfile.ImportOut) parts.Table {
	t := parts.Table{ID: "changes", Caption: "Changes", Columns: []parts.Column{{Head: "What"}, {Head: "Kind", Narrow: true}, {Head: "Change", Narrow: true}, {Head: "Line of the file", Align: parts.Right}},
		Empty: parts.Empty{Title: "Nothing would change", Text: "Everything in the file is so already."}}
	for _, c := range out.Changes {
		t.Rows = append(t.Rows, parts.Row{Cells: []templComponent{parts.Words(c.Name), parts.Words(kindWord(c.Kind)), parts.Words(c.What), parts.Figures(strconv.Itoa(c.Line))}})
	}
	return t
}

func kindWord(kind string) string {
	switch kind {
	case "search_restriction":
		return "Search restriction"
	case "ip_rule":
		return "IP set"
	}
	return "Role"
}
