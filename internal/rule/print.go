package rule

import (
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
)

// Print writes an outline as an expression that Compile accepts. Its faults name
// the part at fault by its path in the outline's JSON, "all.0.any.1.values.0",
// and never repeat a value.
//
// It spaces and brackets the text for people as long as that stays within the
// bounds of an expression, and writes it as short as can be when it does not:
// so the outline of every expression that compiles can be printed.
func (v *Vocabulary) Print(o outline.Part) (string, error) {
	p := &printer{v: v}
	p.part(o, "", outline.None)
	if err := p.bad.Err(); err != nil {
		return "", err
	}
	text := p.out.String()
	if scan(text) != nil {
		p = &printer{v: v, tight: true}
		p.part(o, "", outline.None)
		text = p.out.String()
	}
	_, err := v.Compile(text)
	return text, err
}

type printer struct {
	v     *Vocabulary
	tight bool
	out   strings.Builder
	bad   fault.Collector
}

// fits writes the roomy form of a sign, or the tight one.
func (p *printer) fits(roomy, tight string) {
	if p.tight {
		roomy = tight
	}
	p.out.WriteString(roomy)
}

// part writes a part inside a group of the kind around, which is None outside of
// all groups and inside brackets of its own.
func (p *printer) part(o outline.Part, path string, around outline.Join) {
	switch {
	case o.Join == outline.None:
		p.condition(o, path)
	case len(o.Parts) == 0:
		p.out.WriteString(strconv.FormatBool((o.Join == outline.All) != o.Not))
	case o.Not:
		p.out.WriteString("!(")
		p.group(o, path, outline.None)
		p.out.WriteString(")")
	case len(o.Parts) > 1 && around != outline.None && around != o.Join && (o.Join == outline.Any || !p.tight):
		p.out.WriteString("(")
		p.group(o, path, outline.None)
		p.out.WriteString(")")
	default:
		p.group(o, path, around)
	}
}

// wide is the length from which a group at the outside gets a line for each part.
const wide = 72

func (p *printer) group(o outline.Part, path string, around outline.Join) {
	key, sign := "all", "&&"
	if o.Join == outline.Any {
		key, sign = "any", "||"
	}
	if len(o.Parts) > 1 {
		around = o.Join
	}
	line := p.out.Len()
	for i, part := range o.Parts {
		if i > 0 && path == "" && p.out.Len()-line > wide {
			p.fits(" "+sign+"\n", sign)
			line = p.out.Len()
		} else if i > 0 {
			p.fits(" "+sign+" ", sign)
		}
		p.part(part, under(path, key, i), around)
	}
}

func under(path, key string, i int) string { return step(path, key) + "." + strconv.Itoa(i) }

func step(path, key string) string {
	if path != "" {
		path += "."
	}
	return path + key
}

func (p *printer) condition(o outline.Part, path string) {
	f := p.field(o.Field)
	switch {
	case f == nil && nameForm.MatchString(o.Field):
		p.bad.Add(step(path, "field"), p.v.unknown(o.Field))
		return
	case f == nil:
		p.bad.Add(step(path, "field"), "choose a field")
		return
	}
	offer := f.offer()
	if c := o.Compare; !offer.Allows(c) && !(f.Kind == Bool && c == outline.IsNot) || f.Name == Today && c.Many() {
		p.bad.Add(step(path, "compare"), "choose a comparison that "+f.Name+" can be asked")
		return
	}
	if said, ok := p.literals(o, f, path); ok {
		p.ask(o.Compare, f, said)
	}
}

func (p *printer) field(name string) *Field {
	if i, ok := p.v.index[name]; ok {
		return &p.v.fields[i]
	}
	if name == Today {
		return &Field{Name: Today, Kind: Date}
	}
	return nil
}

// literals writes the values; it is not ok when one is wrong.
func (p *printer) literals(o outline.Part, f *Field, path string) (said []string, ok bool) {
	if !o.Compare.Many() && len(o.Values) != 1 {
		p.bad.Add(step(path, "values"), "give one value")
		return nil, false
	}
	ok = true
	for i, s := range o.Values {
		literal, mend := p.literal(s, f, o.Compare)
		if mend != "" {
			p.bad.Add(under(path, "values", i), mend)
			ok = false
		}
		said = append(said, literal)
	}
	return said, ok
}

func (p *printer) literal(s string, f *Field, c outline.Comparison) (text, mend string) {
	switch f.Kind {
	case Int:
		if x, err := strconv.ParseInt(s, 10, 64); err == nil {
			return strconv.FormatInt(x, 10), ""
		}
		return "", "enter a whole number such as 30"
	case Money:
		if x, err := money.Parse(s); err == nil {
			return p.made("money", p.amount(x)), ""
		}
		return "", "enter an amount such as 250.00, without commas"
	case Date:
		if s == Today && f.Name != Today && !c.Many() {
			return Today, ""
		}
		if d, err := civil.Parse(s); err == nil {
			return p.made("date", d.String()), ""
		}
		return "", "enter a day as YYYY-MM-DD"
	case Bool:
		if s == "true" || s == "false" {
			return s, ""
		}
		return "", "choose yes or no"
	}
	if !printable(s) {
		return "", "a text cannot hold control characters"
	}
	if f.Value != nil {
		if _, ok := f.Value(s); !ok {
			return "", "nothing of this name is known for " + f.Name
		}
	}
	return quoted(s), ""
}

func (p *printer) made(function, s string) string { return function + `("` + s + `")` }

// amount leaves out cents that are none where room is short.
func (p *printer) amount(x money.Amount) string {
	s := x.String()
	if p.tight {
		s = strings.TrimSuffix(s, ".00")
		if strings.Contains(s, ".") {
			s = strings.TrimSuffix(s, "0")
		}
	}
	return s
}

// quoted writes a text in the quotes that it holds fewer of.
func quoted(s string) string {
	q := `"`
	if strings.Count(s, `"`) > strings.Count(s, "'") {
		q = "'"
	}
	return q + strings.NewReplacer(`\`, `\\`, q, `\`+q).Replace(s) + q
}

// ask writes a condition whose literals are written already.
func (p *printer) ask(c outline.Comparison, f *Field, said []string) {
	signs := map[outline.Comparison]string{outline.Is: "==", outline.IsNot: "!=", outline.Under: "<", outline.AtMost: "<=", outline.Over: ">", outline.AtLeast: ">="}
	not := c == outline.NoneOf || c == outline.BeginsNotWith
	switch {
	case f.Kind == Bool:
		if (said[0] == "true") != (c == outline.Is) {
			p.out.WriteString("!")
		}
		p.out.WriteString(f.Name)
	case signs[c] != "":
		p.out.WriteString(f.Name)
		p.fits(" "+signs[c]+" ", signs[c])
		p.out.WriteString(said[0])
	case c == outline.BeginsWith || c == outline.BeginsNotWith:
		p.turned(not, f.Name+".startsWith("+said[0]+")")
	case f.Kind == TextList && len(said) != 1:
		p.turned(not, f.Name+".overlaps("+p.list(said)+")")
	case f.Kind == TextList:
		p.among(not, said[0], " in ", "in ", f.Name)
	default:
		p.among(not, f.Name, " in ", " in", p.list(said))
	}
}

func (p *printer) turned(not bool, question string) {
	if not {
		p.out.WriteString("!")
	}
	p.out.WriteString(question)
}

func (p *printer) among(not bool, left, roomy, tight, right string) {
	if not {
		p.out.WriteString("!(")
	}
	p.out.WriteString(left)
	p.fits(roomy, tight)
	p.out.WriteString(right)
	if not {
		p.out.WriteString(")")
	}
}

// list writes values in square brackets, each once.
func (p *printer) list(said []string) string {
	comma := ", "
	if p.tight {
		comma = ","
	}
	var once []string
	seen := map[string]bool{}
	for _, s := range said {
		if !seen[s] {
			seen[s], once = true, append(once, s)
		}
	}
	return "[" + strings.Join(once, comma) + "]"
}
