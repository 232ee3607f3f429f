package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/lendkeep/lendkeep/platform/internal/admin/apikeys"
)

// point makes the parts of the demo know where the others run this time: the
// site key's origin, and the address and key of the stand-in.
func (b *builder) point(ctx context.Context) error {
	b.facts.URL, b.facts.CA, b.facts.IPStackURL = b.URL, b.CA, b.IPStackURL
	if b.facts.SiteOrigin != b.URL {
		k, err := do(ctx, b, b.House.Keys.SiteCreate, apikeys.SiteCreateIn{Label: "hosted form", Origins: []string{b.URL}})
		if err != nil {
			return err
		}
		b.facts.SiteKey, b.facts.SiteOrigin = k.Key, b.URL
	}
	settings := map[string]any{"base_url": b.IPStackURL, "access_key": b.IPStackKey, "timeout_ms": 1500, "use_confirmed": true}
	return b.call(ctx, http.MethodPut, "/settings/connections/ipstack", b.facts.Users["admin"].APIKey, settings, nil)
}

// call goes through the API as a program of the lender would.
func (b *builder) call(ctx context.Context, method, path, key string, body, out any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r := httptest.NewRequestWithContext(ctx, method, b.URL+"/api/v1"+path, bytes.NewReader(text))
	if method == http.MethodGet {
		r = httptest.NewRequestWithContext(ctx, method, b.URL+"/api/v1"+path, nil)
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.RemoteAddr = "127.0.0.1:40000"
	w := httptest.NewRecorder()
	b.House.Handler().ServeHTTP(w, r)
	if w.Code >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, w.Code, w.Body.String())
	}
	if out == nil {
		return nil
	}
	if w.Body.Len() == 0 {
		return errors.New("an empty answer")
	}
	return json.Unmarshal(w.Body.Bytes(), out)
}
