package restrictions

import (
	"context"
	"encoding/json"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// VocabularyOut is what expressions may speak of, as a form offers it.
type VocabularyOut struct {
	Loans        []outline.Field `json:"loans"`
	Borrowers    []outline.Field `json:"borrowers"`
	Applications []outline.Field `json:"applications"`
}

func vocabulary(_ context.Context, c *gate.Call, _ *Nothing) (*VocabularyOut, error) {
	v := c.Policy.Vocabulary()
	return &VocabularyOut{v.Loans.Fields(), v.Borrowers.Fields(), v.Applications.Fields()}, nil
}

// TranslateIn is an expression as text, or as the outline of a form.
type TranslateIn struct {
	Of      string `json:"of" enum:"loans,borrowers,applications"`
	Text    string `json:"text,omitempty" maxLength:"8192"`
	Outline string `json:"outline,omitempty" maxLength:"65536" doc:"JSON of the outline; given, it is what counts"`
}

// TranslateOut is the expression as both, and as a sentence.
type TranslateOut struct {
	Text     string `json:"text" class:"public"`
	Outline  string `json:"outline" class:"public" doc:"JSON of the outline"`
	Sentence string `json:"sentence" class:"public"`
}

// translate turns text into an outline, or an outline into text; the faults of
// either name the place.
func translate(_ context.Context, c *gate.Call, in *TranslateIn) (*TranslateOut, error) {
	v := c.Policy.Vocabulary()
	nouns := map[string]string{"loans": "Loans", "borrowers": "Borrowers", "applications": "Applications"}
	words := map[string]*rule.Vocabulary{"loans": v.Loans, "borrowers": v.Borrowers, "applications": v.Applications}[in.Of]
	if words == nil {
		return nil, fault.Bad("of", "Choose loans, borrowers or applications.")
	}
	text := in.Text
	if in.Outline != "" {
		o, err := outline.Decode([]byte(in.Outline))
		if err != nil {
			return nil, err
		}
		if text, err = words.Print(o); err != nil {
			return nil, below("outline", err)
		}
	}
	e, err := words.Compile(text)
	if err != nil {
		return nil, below("text", err)
	}
	o := e.Outline()
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return &TranslateOut{text, string(b), o.Sentence(nouns[in.Of], words.Fields())}, nil
}

// below puts the paths of a fault under a field.
func below(field string, err error) error {
	var f fault.Collector
	f.Merge(field, err)
	return f.Err()
}
