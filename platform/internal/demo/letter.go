package demo

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/platform/internal/web/door"
)

// maxLetter is how much of one letter is read, in bytes.
const maxLetter = 1 << 20

// Letters reads the newest letters of a folder in which the demo keeps its mail,
// newest first. A folder that is not there holds none.
func Letters(dir string, most int) ([]door.Letter, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking into the mail folder: %w", err)
	}
	var names []string
	for _, f := range files {
		if filepath.Ext(f.Name()) == ".eml" && !strings.HasPrefix(f.Name(), ".") {
			names = append(names, f.Name())
		}
	}
	slices.Sort(names) // they begin with the time
	slices.Reverse(names)
	var out []door.Letter
	for _, name := range names[:min(len(names), most)] {
		l, err := letter(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("reading the letter %s: %w", name, err)
		}
		out = append(out, l)
	}
	return out, nil
}

// letter reads one of our own: text in base64, the subject perhaps encoded.
func letter(path string) (l door.Letter, err error) {
	f, err := os.Open(path)
	if err != nil {
		return l, err
	}
	defer f.Close()
	m, err := mail.ReadMessage(io.LimitReader(f, maxLetter))
	if err != nil {
		return l, err
	}
	at, err := m.Header.Date()
	if err != nil {
		return l, err
	}
	text, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, m.Body))
	if err != nil {
		return l, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	return door.Letter{At: at.UnixMicro(), To: m.Header.Get("To"), Subject: subject, Text: string(text)}, err
}
