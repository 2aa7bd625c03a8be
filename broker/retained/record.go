package retained

import (
	"encoding/binary"
	"errors"

	"github.com/manifoldmq/manifold/broker/message"
)

// ErrRecord is what Decode returns for bytes that Append has not written.
var ErrRecord = errors.New("malformed record of a retained message")

// Append appends the record of a topic's message to dst:
//
//	publisher, the message's head: each behind its length(uvarint); its body
func Append(dst []byte, m *message.Message, publisher string) []byte {
	dst = append(binary.AppendUvarint(dst, uint64(len(publisher))), publisher...)
	head := message.AppendHead(nil, m)
	dst = append(binary.AppendUvarint(dst, uint64(len(head))), head...)
	return append(dst, m.Content.Body()...)
}

// Decode reads such a record, of which it keeps nothing.
func Decode(value []byte, formats *message.Formats) (m *message.Message, publisher string, err error) {
	from, rest, ok := cut(value)
	if !ok {
		return nil, "", ErrRecord
	}
	head, body, ok := cut(rest)
	if !ok {
		return nil, "", ErrRecord
	}
	all := append(append(make([]byte, 0, len(head)+len(body)), head...), body...)
	var tail []byte
	if len(body) > 0 {
		tail = all[len(head):]
	}
	if m, err = message.Decode(all[:len(head):len(head)], tail, formats); err != nil {
		return nil, "", errors.Join(ErrRecord, err)
	}
	return m, string(from), nil
}

func cut(p []byte) (first, rest []byte, ok bool) {
	n, size := binary.Uvarint(p)
	if size <= 0 || n > uint64(len(p)-size) {
		return nil, nil, false
	}
	return p[size : size+int(n)], p[size+int(n):], true
}
