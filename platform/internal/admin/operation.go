package admin

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Operation is one entry of the catalogue.
type Operation struct {
	Name        string `json:"name" class:"public"`
	Title       string `json:"title" class:"public"`
	Area        string `json:"area" class:"public"`
	Screen      string `json:"screen" class:"public" doc:"place in the screen tree; empty if no screen has it"`
	Method      string `json:"method" class:"public"`
	Path        string `json:"path" class:"public"`
	UI          bool   `json:"ui" class:"public"`
	API         bool   `json:"api" class:"public"`
	Kind        string `json:"kind" class:"public" enum:"read,write"`
	Sensitivity string `json:"sensitivity" class:"public" enum:"ordinary,personal,money,security"`
	Audit       string `json:"audit" class:"public"`
}

// OperationListOut is the whole catalogue.
type OperationListOut struct {
	Items []Operation `json:"items"`
	Total int         `json:"total" class:"public"`
	Next  string      `json:"next" class:"public"`
}

func (d *Desk) operationList() *gate.Op[Nothing, OperationListOut] {
	o := look("operation.list", "List operations", "Roles", "/operations", func(_ context.Context, _ *gate.Call, _ *Nothing) (*OperationListOut, error) {
		out := &OperationListOut{Items: []Operation{}}
		for _, m := range d.config.Catalogue() {
			out.Items = append(out.Items, Operation{Name: m.Name, Title: m.Title, Area: m.Area, Screen: m.Screen, Method: m.Method, Path: m.Path,
				UI: m.Screen != "", API: m.Path != "", Kind: m.Kind.String(), Sensitivity: m.Sensitivity.String(), Audit: m.Audit.String()})
		}
		out.Total = len(out.Items)
		return out, nil
	})
	o.Permit, o.Sensitivity = gate.SignedIn, operation.Ordinary
	return o
}
