package keys

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
)

// Store is the key store of one tenant: the wrapped key of every person, in a
// database of its own that data backups leave out. Its zero value with DB and
// Ring set is ready for use; do not copy it after first use.
//
// A destroyed key is gone from this node at once; another node may hold it in
// memory for at most CacheFor.
type Store struct {
	DB   *db.DB
	Ring *Ring

	cache cache
}

// CacheFor bounds how long an opened key stays in memory.
const CacheFor = time.Minute

// CacheSize bounds how many opened keys stay in memory.
const CacheSize = 4096

const (
	insertPerson = `INSERT INTO person_key (person, wrapped, created_at, destroyed_at) VALUES (?, ?, ?, 0)`
	selectPerson = `SELECT person, wrapped, destroyed_at FROM person_key WHERE `
	// On SQLite the value is overwritten in place by zeros of the same length before it
	// is cut, so that its bytes do not stay behind in the page. PostgreSQL writes a new
	// version of the row and keeps the old one in the table's file until it needs the
	// room, and in its log for longer.
	zeroPerson    = `UPDATE person_key SET wrapped = ?, destroyed_at = ? WHERE person = ? AND destroyed_at = 0`
	destroyPerson = `UPDATE person_key SET wrapped = ? WHERE person = ?`
)

// Create makes and stores a key for each person, all or none. A person who has
// one already makes it fail: keys are never replaced.
func (s *Store) Create(ctx context.Context, persons ...string) (map[string]*PersonKey, error) {
	made := make(map[string]*PersonKey, len(persons))
	rows := make([][]any, 0, len(persons))
	at, epoch := s.DB.Now(), s.cache.now()
	for _, p := range persons {
		key, wrapped, err := s.Ring.NewPerson(p)
		if err != nil {
			return nil, err
		}
		made[p] = key
		rows = append(rows, []any{p, wrapped, at})
	}
	if len(rows) == 0 {
		return made, nil
	}
	err := s.DB.Write(ctx, at, func(ctx context.Context, tx *db.Tx) error {
		return tx.Bulk(ctx, insertPerson, rows)
	})
	if err != nil {
		return nil, fmt.Errorf("store person keys: %w", err)
	}
	if len(made) <= CacheSize/8 { // an import must not push out the keys in use
		for _, k := range made {
			s.cache.put(k, at, epoch)
		}
	}
	return made, nil
}

// Open gives one person's key: ErrNoKey if there is none, ErrDestroyed if it was
// destroyed.
func (s *Store) Open(ctx context.Context, person string) (*PersonKey, error) {
	if k := s.cache.get(person, s.DB.Now()); k != nil {
		return k, nil
	}
	found, destroyed, err := s.load(ctx, []string{person}, true)
	switch {
	case err != nil:
		return nil, err
	case found[person] != nil:
		return found[person], nil
	case destroyed[person]:
		return nil, ErrDestroyed
	}
	return nil, ErrNoKey
}

// OpenMany gives the keys of those persons that have one; persons without one,
// or whose key was destroyed, are absent.
func (s *Store) OpenMany(ctx context.Context, persons []string) (map[string]*PersonKey, error) {
	out := make(map[string]*PersonKey, len(persons))
	now := s.DB.Now()
	var ask []string
	asked := map[string]bool{}
	for _, p := range persons {
		if k := s.cache.get(p, now); k != nil {
			out[p] = k
		} else if !asked[p] {
			asked[p] = true
			ask = append(ask, p)
		}
	}
	const chunk = 500 // well below the bind parameter limit of either engine
	for len(ask) > 0 {
		n := min(chunk, len(ask))
		found, _, err := s.load(ctx, ask[:n], true)
		if err != nil {
			return nil, err
		}
		for p, k := range found {
			out[p] = k
		}
		ask = ask[n:]
	}
	return out, nil
}

// Destroyed tells whose key was destroyed, of these persons.
func (s *Store) Destroyed(ctx context.Context, persons []string) (map[string]bool, error) {
	out := map[string]bool{}
	err := s.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		in := db.In("person", persons)
		_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
			var person string
			err := r.Scan(&person)
			out[person] = true
			return struct{}{}, err
		}, `SELECT person FROM person_key WHERE destroyed_at <> 0 AND `+in.SQL(), in.Args()...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read destroyed keys: %w", err)
	}
	return out, nil
}

// Gone gives persons whose key was destroyed, in the order of their ids, behind one.
func (s *Store) Gone(ctx context.Context, after string, limit int) (out []string, err error) {
	err = s.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = db.All(ctx, tx, func(r *db.Rows) (person string, err error) { return person, r.Scan(&person) },
			`SELECT person FROM person_key WHERE destroyed_at <> 0 AND person > ? ORDER BY person LIMIT ?`, after, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read destroyed keys: %w", err)
	}
	return out, nil
}

// load reads keys from the store; keep holds them in memory, unless a walk
// through all persons would push out those in use.
func (s *Store) load(ctx context.Context, persons []string, keep bool) (map[string]*PersonKey, map[string]bool, error) {
	found, destroyed := map[string]*PersonKey{}, map[string]bool{}
	now, epoch := s.DB.Now(), s.cache.now()
	err := s.DB.Read(ctx, now, func(ctx context.Context, tx *db.Tx) error {
		in := db.In("person", persons)
		_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
			var person string
			var wrapped []byte
			var gone int64
			if err := r.Scan(&person, &wrapped, &gone); err != nil {
				return struct{}{}, err
			}
			if gone != 0 {
				destroyed[person] = true
				return struct{}{}, nil
			}
			key, err := s.Ring.OpenPerson(person, wrapped)
			if err != nil {
				return struct{}{}, fmt.Errorf("key of %s: %w", person, err)
			}
			found[person] = key
			return struct{}{}, nil
		}, selectPerson+in.SQL(), in.Args()...)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read person keys: %w", err)
	}
	for _, k := range found {
		if keep {
			s.cache.put(k, now, epoch)
		}
	}
	return found, destroyed, nil
}

// Destroy overwrites a person's key: whatever was sealed under it cannot be read
// again by anybody. Destroying twice is no error; ErrNoKey if there never was one.
func (s *Store) Destroy(ctx context.Context, person string) error {
	s.cache.forget(person)
	defer s.cache.forget(person) // a reader may have cached it before the commit
	at := s.DB.Now()
	err := s.DB.Write(ctx, at, func(ctx context.Context, tx *db.Tx) error {
		var wrapped []byte
		err := tx.One(ctx, `SELECT wrapped FROM person_key WHERE person = ?`, []any{person}, &wrapped)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoKey
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, zeroPerson, make([]byte, len(wrapped)), at, person); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, destroyPerson, []byte{}, person)
		return err
	})
	if err != nil && !errors.Is(err, ErrNoKey) {
		return fmt.Errorf("destroy person key: %w", err)
	}
	return err
}
