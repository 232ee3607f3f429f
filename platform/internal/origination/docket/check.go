package docket

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/origination/network"
)

// Client is where an application came from and how that was found out.
type Client struct {
	Address, Peer, Forwarded, UserAgent string
	Chosen                              string // why this address
}

// Source is one source's part in a check.
type Source struct {
	Name    string  `json:"name"`
	Version string  `json:"version"`
	At      int64   `json:"at"`
	Use     geo.Use `json:"decision_use"`
}

// Facts are what a check found: pinned, so that looking again asks nobody.
type Facts struct {
	Merged  geo.Merged    `json:"merged"`
	Match   network.Match `json:"match"`
	Results []geo.Result  `json:"results"`
}

// Check is one row of the network checks. A row whose Asked is its own id asks
// for a check; any other answers the one it names.
type Check struct {
	ID          id.Check
	Application id.Application
	Asked       id.Check
	State       string
	Client      Client // of a request
	Facts       Facts  // of an answer
	Sources     []Source
	RawHash     string
	Failure     string
	At          int64
}

// checkColumns are the sealed columns of network_check.
var checkColumns = [5]string{"address", "peer", "forwarded", "user_agent", "facts"}

const insertCheck = `INSERT INTO network_check (id, application_id, asked_id, state, address, peer, forwarded, user_agent, chosen, facts, sources, raw_hash, failure, at)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const selectCheck = `SELECT id, application_id, asked_id, state, address, peer, forwarded, user_agent, chosen, facts, sources, raw_hash, failure, at FROM network_check WHERE id = ?`

// AddCheck appends a row, sealed under the applicant's key. key may be nil once
// the applicant is erased: then nothing personal is kept.
func AddCheck(ctx context.Context, tx *db.Tx, key *keys.PersonKey, k *Check) error {
	var plain [5][]byte
	if key != nil {
		plain = [5][]byte{[]byte(k.Client.Address), []byte(k.Client.Peer), []byte(k.Client.Forwarded), []byte(k.Client.UserAgent), nil}
		if len(k.Facts.Results) > 0 {
			facts, err := json.Marshal(k.Facts)
			if err != nil {
				return err
			}
			plain[4] = facts
		}
	}
	var cipher [5][]byte
	for i := range plain {
		cipher[i] = []byte{}
		if len(plain[i]) == 0 {
			continue
		}
		var err error
		if cipher[i], err = key.Seal("network_check", string(k.ID), checkColumns[i], plain[i]); err != nil {
			return err
		}
	}
	if k.Sources == nil {
		k.Sources = []Source{}
	}
	sources, err := json.Marshal(k.Sources)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insertCheck, k.ID, k.Application, k.Asked, k.State, cipher[0], cipher[1], cipher[2], cipher[3], k.Client.Chosen, cipher[4], string(sources), k.RawHash, k.Failure, k.At)
	return err
}

// CheckByID reads one row of an application that the caller may see, and opens
// it; what is erased stays empty.
func CheckByID(ctx context.Context, tx *db.Tx, store *keys.Store, kid id.Check) (*Check, error) {
	k := &Check{}
	var cipher [5][]byte
	var sources string
	err := tx.One(ctx, selectCheck, []any{kid}, &k.ID, &k.Application, &k.Asked, &k.State, &cipher[0], &cipher[1], &cipher[2], &cipher[3], &k.Client.Chosen, &cipher[4], &sources, &k.RawHash, &k.Failure, &k.At)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(sources), &k.Sources); err != nil {
		return nil, err
	}
	key, err := store.Open(ctx, string(k.Application))
	if errors.Is(err, keys.ErrDestroyed) {
		return k, nil
	}
	if err != nil {
		return nil, err
	}
	return k, k.open(key, cipher)
}

func (k *Check) open(key *keys.PersonKey, cipher [5][]byte) error {
	for i, to := range []*string{&k.Client.Address, &k.Client.Peer, &k.Client.Forwarded, &k.Client.UserAgent} {
		plain, err := unseal(key, "network_check", string(k.ID), checkColumns[i], cipher[i])
		if err != nil {
			return err
		}
		*to = string(plain)
	}
	facts, err := unseal(key, "network_check", string(k.ID), checkColumns[4], cipher[4])
	if err != nil || len(facts) == 0 {
		return err
	}
	return json.Unmarshal(facts, &k.Facts)
}

// Answered reports whether a request for a check has had a real answer.
func Answered(ctx context.Context, tx *db.Tx, asked id.Check) (bool, error) {
	var n int64
	err := tx.One(ctx, `SELECT COUNT(*) FROM network_check WHERE asked_id = ? AND id <> asked_id AND (state = '`+Done+`' OR raw_hash <> '')`, []any{asked}, &n)
	return n > 0, err
}
