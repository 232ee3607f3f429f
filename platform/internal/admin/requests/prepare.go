package requests

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// PrepareIn is one's own denial, from which access is to be asked for.
type PrepareIn struct {
	Decision id.Decision `query:"decision" minLength:"1" maxLength:"60"`
}

// Draft is a request before it is sent.
type Draft struct {
	Operation string `json:"operation" class:"public"`
	Title     string `json:"title" class:"public"`
	Object    string `json:"object" class:"public"`
	Channel   string `json:"channel" class:"public"`
	Layer     string `json:"layer" class:"public" doc:"the layer that said no"`
	Words     string `json:"words" class:"public" doc:"the smallest change, as far as the asker may be told"`
	Asked     bool   `json:"asked" class:"public" doc:"it has been asked for, and waits"`
}

func (d *Desk) prepare(ctx context.Context, c *gate.Call, in *PrepareIn) (*Draft, error) {
	r := &row{user: c.Who.User, change: "{}"}
	q, err := d.wanted(ctx, c, &CreateIn{Decision: in.Decision}, r)
	if err != nil {
		return nil, err
	}
	out := &Draft{Operation: r.operation, Title: q.Meta.Title, Object: r.object, Channel: r.channel, Layer: r.layer, Words: words(q.Meta.Title, r)}
	n, err := waiting(ctx, c.Tx, r)
	out.Asked = n > 0
	return out, err
}

// words says the smallest change without telling what the asker may not see: the
// names and texts of rules stay with those who grant.
func words(title string, r *row) string {
	switch r.layer {
	case "role":
		if r.channel == "api" {
			return "Lend me “" + title + "” in the API until the date."
		}
		return "Lend me “" + title + "” in the screens until the date."
	case "row":
		return "Let me see this until the date, if it is there."
	case "address":
		return "Let me call from " + r.address + "."
	case "limit":
		return "Let me do this in spite of the limit that binds me."
	case "key":
		return "Have my API key’s scope hold “" + title + "”."
	}
	return "Let me do this."
}
