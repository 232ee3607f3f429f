package provider

import (
	"context"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/geo/ipstack"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// testing is a connection on its way to being tested.
type testing struct {
	tenant     *tenant.Tenant
	connection docket.Connection
}

func (p *Provider) testPrepare(ctx context.Context, c *gate.Call, _ *Nothing) (any, error) {
	n, err := docket.ReadConnection(ctx, c.Tx, c.Tenant.Ring)
	return testing{c.Tenant, n}, err
}

func (p *Provider) testOutside(ctx context.Context, _ *Nothing, prepared any) (any, error) {
	t := prepared.(testing)
	n, err := p.connect(t.tenant, t.connection)
	if err != nil {
		return nil, err
	}
	return n.source.Test(ctx), nil
}

func (p *Provider) connectionTest(ctx context.Context, c *gate.Call, _ *Nothing) (*TestOut, error) {
	r := c.Outside.(ipstack.TestReport)
	n, err := docket.ReadConnection(ctx, c.Tx, c.Tenant.Ring)
	if err != nil {
		return nil, err
	}
	n.TestedAt, n.TestOK, n.TestWords = c.At, r.OK, r.Words
	if r.OK {
		c.Change("trouble", n.Trouble, "")
		n.Trouble, n.TroubleWords, n.TroubleAt, n.TroubleUntil = "", "", 0, 0
	}
	c.Detail("ok", strconv.FormatBool(r.OK))
	c.Detail("code", r.Code)
	return &TestOut{r.OK, r.Code, r.Words, r.HasSecurity, r.HasLocation, r.HasConnection}, docket.SaveConnection(ctx, c.Tx, c.Tenant.Ring, n)
}

func (p *Provider) troubleRecord(ctx context.Context, c *gate.Call, in *TroubleIn) (*Done, error) {
	n, err := docket.ReadConnection(ctx, c.Tx, c.Tenant.Ring)
	if err != nil || n.Version != in.Version { // mended meanwhile
		return &Done{Done: true}, err
	}
	c.Change("trouble", n.Trouble, in.Failure)
	n.Trouble, n.TroubleWords, n.TroubleAt, n.TroubleUntil = in.Failure, in.Words, c.At, in.Until
	return &Done{Done: true}, docket.SaveConnection(ctx, c.Tx, c.Tenant.Ring, n)
}
