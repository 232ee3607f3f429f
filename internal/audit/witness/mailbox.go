package witness

import (
	"context"
	"fmt"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/mail"
)

// Mailbox is somebody outside who keeps a letter.
type Mailbox struct {
	Address string
	Sender  mail.Sender
}

// Take sends the checkpoint. A mailbox checks nothing: its keeper can, with the program
// auditor.
func (m Mailbox) Take(ctx context.Context, t Trail, newest audit.Signed, _ Taken) (Taken, error) {
	text := fmt.Sprintf(`This letter witnesses the audit trail of %s.

Keep it unchanged. If the trail is ever in doubt, save it as a file and verify an
export against it:

    auditor verify EXPORT --checkpoint THIS-LETTER

At %s the trail had %d entries:

%s`, t.Lender, time.UnixMicro(newest.At).UTC().Format(time.RFC1123), newest.Size, newest.Note)
	err := m.Sender.Send(ctx, mail.Message{To: m.Address, Subject: fmt.Sprintf("Audit trail of %s: checkpoint over %d entries", t.Lender, newest.Size), Text: text})
	if err != nil {
		return Taken{}, fmt.Errorf("witness mailbox: %w", err)
	}
	return Taken{Size: newest.Size, Note: newest.Note}, nil
}
