// Package statement is the text of SQL and its arguments, written once for both
// engines: composable predicates, `?` marks and their numbering for PostgreSQL,
// and what an argument may be.
//
// It runs nothing and knows no connection; package db, which does, is its only
// user and gives its names on. A condition whose arguments do not fit its marks
// is broken, and stays broken whatever is made of it.
package statement

import (
	"errors"
	"strconv"
	"strings"
	"sync"
)

// keptTexts bounds the cache of rewritten statements.
const keptTexts = 1000

// Texts remembers statements rewritten for PostgreSQL.
type Texts struct {
	mu   sync.RWMutex
	kept map[string]Numbered // guarded by mu
}

// Numbered is a statement with $1, $2, … and how many there are.
type Numbered struct {
	Text  string
	Marks int
}

// Rewrite gives a statement as PostgreSQL wants it, and refuses one that would
// control the transaction.
func (x *Texts) Rewrite(query string) (Numbered, error) {
	x.mu.RLock()
	n, ok := x.kept[query]
	x.mu.RUnlock()
	if ok {
		return n, nil
	}
	if err := RefuseControl(query); err != nil {
		return Numbered{}, err
	}
	n = number(query)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.kept == nil || len(x.kept) >= keptTexts {
		x.kept = map[string]Numbered{}
	}
	x.kept[query] = n
	return n, nil
}

// number replaces every `?` outside of literals, quoted names and comments.
func number(query string) Numbered {
	var b strings.Builder
	marks := 0
	for i := 0; i < len(query); {
		if query[i] == '?' {
			marks++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(marks))
			i++
			continue
		}
		end := i + max(1, quoted(query[i:]))
		b.WriteString(query[i:end])
		i = end
	}
	return Numbered{Text: b.String(), Marks: marks}
}

// quoted gives the length of the literal, quoted name or comment that s begins
// with, 0 if it begins with none. A doubled quote reads as two neighbours.
func quoted(s string) int {
	until := func(open int, closing string) int {
		if i := strings.Index(s[open:], closing); i >= 0 {
			return open + i + len(closing)
		}
		return len(s)
	}
	switch {
	case s[0] == '\'':
		return until(1, "'")
	case s[0] == '"':
		return until(1, `"`)
	case strings.HasPrefix(s, "--"):
		return until(2, "\n")
	case strings.HasPrefix(s, "/*"):
		return until(2, "*/")
	}
	return 0
}

// RefuseControl keeps the end of the transaction, and settings of the shared
// connection, out of callers' hands.
func RefuseControl(query string) error {
	for {
		query = strings.TrimLeft(query, " \t\r\n;")
		if !strings.HasPrefix(query, "--") && !strings.HasPrefix(query, "/*") {
			break
		}
		query = query[quoted(query):]
	}
	end := strings.IndexFunc(query, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
	if end < 0 {
		end = len(query)
	}
	switch strings.ToUpper(query[:end]) {
	case "":
		return errors.New("db: the statement is empty")
	case "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE",
		"ATTACH", "DETACH", "PRAGMA", "VACUUM", "SET", "RESET", "DISCARD":
		return errors.New("db: transactions and connections are controlled by package db alone")
	}
	return nil
}
