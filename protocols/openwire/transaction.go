package openwire

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// Operations of a TransactionInfo.
const (
	begin          = 0
	prepare        = 1
	commitOnePhase = 2
	commitTwoPhase = 3
	rollback       = 4
	recoverAll     = 5
	forget         = 6
	endBranch      = 7
)

// xaReadOnly is what the preparation of a branch that changes nothing gives (XA_RDONLY).
const xaReadOnly = 3

// Codes of XA errors, which clients read in the exception's text.
const (
	xaRolledBack = 100
	xaNotKnown   = -4
	xaProtocol   = -6
	xaDuplicate  = -8
)

// txKey identifies a transaction within its connection: a local one by its number, a branch by
// its text.
type txKey struct {
	local int64
	xid   string
}

// transaction is one that was begun and is neither prepared nor over.
type transaction struct {
	core     *broker.Transaction
	branch   bool // of XA
	failed   bool // something in it failed that the client was not asked about
	prepared bool
	acks     []enlistment
}

// enlistment says how many deliveries of a consumer a transaction decides on, and between which
// numbers they are.
type enlistment struct {
	s           *consumer
	n           uint64
	first, last uint64
}

func (tx *transaction) enlisted(s *consumer, first, last, n uint64) {
	if k := len(tx.acks); k > 0 && tx.acks[k-1].s == s {
		e := &tx.acks[k-1]
		e.n, e.first, e.last = e.n+n, min(e.first, first), max(e.last, last)
		return
	}
	tx.acks = append(tx.acks, enlistment{s, n, first, last})
}

// holds reports whether the transaction decides on an enlisted delivery.
func (tx *transaction) holds(s *consumer, number uint64) bool {
	for _, e := range tx.acks {
		if e.s == s && number >= e.first && number <= e.last {
			return true
		}
	}
	return false
}

// held returns on how many deliveries of a range a branch decides already.
func (tx *transaction) held(s *consumer, first, last uint64) (n int) {
	for _, e := range tx.acks {
		if !tx.branch || e.s != s {
			continue
		}
		for i := max(first, e.first); i <= min(last, e.last); i++ {
			if _, ok := s.Enlisted(i); ok {
				n++
			}
		}
	}
	return n
}

// decided gives consumers the room that what they acknowledged took.
func (tx *transaction) decided() {
	for _, e := range tx.acks {
		e.s.settledSome(e.n)
	}
	tx.acks = nil
}

// keyOf returns a transaction's key; false if it is none of this connection's.
func (c *connection) keyOf(x *wire.TransactionID) (txKey, bool) {
	if x.Kind == wire.TypeXATransactionID {
		return txKey{xid: xidText(x)}, true
	}
	return txKey{local: x.Value}, x.ConnectionID != nil && x.ConnectionID.Value.View() == c.id
}

// xidText returns a branch's identifier as people and the store see it.
func xidText(x *wire.TransactionID) string {
	return "XID:[" + strconv.Itoa(int(x.FormatID)) + ",globalId=" + hex.EncodeToString(x.GlobalTransactionID) +
		",branchId=" + hex.EncodeToString(x.BranchQualifier) + "]"
}

// parseXID reads what xidText has written.
func parseXID(text string) (*wire.TransactionID, bool) {
	rest, ok := strings.CutPrefix(text, "XID:[")
	format, rest, ok1 := strings.Cut(rest, ",globalId=")
	global, rest, ok2 := strings.Cut(rest, ",branchId=")
	branch, ok3 := strings.CutSuffix(rest, "]")
	n, err := strconv.ParseInt(format, 10, 32)
	g, err1 := hex.DecodeString(global)
	b, err2 := hex.DecodeString(branch)
	if !ok || !ok1 || !ok2 || !ok3 || err != nil || err1 != nil || err2 != nil {
		return nil, false
	}
	return &wire.TransactionID{Kind: wire.TypeXATransactionID, FormatID: int32(n), GlobalTransactionID: g, BranchQualifier: b}, true
}

// transactionText returns a transaction's identifier for people, as ActiveMQ writes it.
func transactionText(x *wire.TransactionID) string {
	if x.Kind == wire.TypeXATransactionID {
		return "XID:[" + strconv.Itoa(int(x.FormatID)) + ",globalId=" + javaHex(x.GlobalTransactionID) +
			",branchId=" + javaHex(x.BranchQualifier) + "]"
	}
	text := "TX:"
	if x.ConnectionID != nil {
		text += x.ConnectionID.Value.String()
	}
	return text + ":" + strconv.FormatInt(x.Value, 10)
}

// javaHex writes octets as Java's Integer.toHexString does.
func javaHex(b []byte) string {
	var text strings.Builder
	for _, c := range b {
		text.WriteString(strconv.FormatUint(uint64(uint32(int8(c))), 16))
	}
	return text.String()
}

// notStarted is the answer to a transaction that is not known.
func notStarted(x *wire.TransactionID) error {
	text := "Transaction '" + transactionText(x) + "' has not been started."
	if x.Kind == wire.TypeXATransactionID {
		return xaError(text, xaNotKnown)
	}
	return &exception{class: jmsException, text: text}
}

func xaError(text string, code int) error {
	return &exception{class: xaException, text: text + " xaErrorCode:" + strconv.Itoa(code)}
}

// transactionOf returns the transaction that a message or an acknowledgement belongs to, if any.
func (c *connection) transactionOf(x *wire.TransactionID) (*transaction, error) {
	if x == nil {
		return nil, nil
	}
	k, ok := c.keyOf(x)
	if tx := c.txs[k]; ok && tx != nil && !tx.prepared {
		return tx, nil
	}
	return nil, notStarted(x)
}

// transact serves TransactionInfo.
func (c *connection) transact(cmd *wire.TransactionInfo) error {
	h := cmd.Head()
	x := cmd.TransactionID
	if cmd.Kind == recoverAll {
		c.core.Confirm(token(recovered, 0, h.CommandID))
		return nil
	}
	if x == nil {
		return &exception{class: jmsException, text: "A transaction needs an identifier"}
	}
	k, mine := c.keyOf(x)
	tx := c.txs[k]
	if !mine {
		return notStarted(x)
	}
	c.settleAcks()
	switch cmd.Kind {
	case begin:
		return c.begin(h, k, tx)
	case endBranch:
		c.respond(h)
		return nil
	case prepare:
		return c.prepare(h, x, k, tx)
	case commitOnePhase:
		if tx == nil || tx.prepared {
			return notStarted(x)
		}
		return c.commit(h, x, k, tx)
	case commitTwoPhase:
		if tx != nil && !tx.prepared {
			return xaError("The branch is not prepared: "+xidText(x), xaProtocol)
		}
		delete(c.txs, k)
		return c.decide(h, x, c.o.Broker.CommitPrepared)
	case rollback:
		delete(c.txs, k)
		if tx != nil && !tx.prepared {
			if err := tx.core.Rollback(); err != nil {
				return err
			}
			c.respond(h)
			return nil
		}
		if k.xid == "" {
			return notStarted(x)
		}
		return c.decide(h, x, c.o.Broker.RollbackPrepared)
	case forget:
		if tx == nil {
			return notStarted(x)
		}
		delete(c.txs, k)
		c.respond(h)
		return nil
	}
	return &exception{class: jmsException, text: "Unknown transaction operation"}
}

func (c *connection) begin(h *wire.Base, k txKey, tx *transaction) error {
	if tx == nil {
		core, err := c.core.Begin()
		if err != nil {
			return err
		}
		c.txs[k] = &transaction{core: core, branch: k.xid != ""}
	}
	c.respond(h)
	return nil
}

// prepare makes a branch durable, unless it changes nothing.
func (c *connection) prepare(h *wire.Base, x *wire.TransactionID, k txKey, tx *transaction) error {
	switch {
	case tx == nil || tx.prepared || k.xid == "":
		return notStarted(x)
	case tx.failed:
		return c.doomed(k, tx, "PREPARE FAILED")
	case tx.core.Empty():
		delete(c.txs, k)
		if err := tx.core.Rollback(); err != nil {
			return err
		}
		c.core.Confirm(token(readOnly, 0, h.CommandID))
		return nil
	}
	if err := tx.core.Prepare(k.xid, token(prepared, 0, h.CommandID)); err != nil {
		if fault.Is(err, fault.Exists) {
			return xaError(err.Error(), xaDuplicate)
		}
		return err
	}
	delete(c.txs, k)
	tx.decided()
	return nil
}

func (c *connection) commit(h *wire.Base, x *wire.TransactionID, k txKey, tx *transaction) error {
	if tx.failed {
		return c.doomed(k, tx, "COMMIT FAILED")
	}
	delete(c.txs, k)
	if err := tx.core.Commit(tokenFor(h)); err != nil {
		if x.Kind == wire.TypeXATransactionID {
			return xaError(exceptionOf(err).text, xaRolledBack)
		}
		return err
	}
	tx.decided()
	return nil
}

// doomed rolls back what can't be committed, and says why.
func (c *connection) doomed(k txKey, tx *transaction, what string) error {
	delete(c.txs, k)
	_ = tx.core.Rollback()
	return &exception{
		class: xaException, cause: transactionRolledBack,
		text: what + ": Transaction marked rollback only xaErrorCode:" + strconv.Itoa(xaRolledBack),
	}
}

// decide commits or rolls back a prepared branch, which may be anybody's.
func (c *connection) decide(h *wire.Base, x *wire.TransactionID, how func(string, func(error)) error) error {
	t := tokenFor(h)
	err := how(xidText(x), func(err error) {
		c.out.Confirmed(t, err)
		c.out.Wake()
	})
	if fault.Is(err, fault.NotFound) {
		return notStarted(x)
	}
	return err
}

// preparedBranches returns the branches that wait for their coordinator.
func (c *connection) preparedBranches() []wire.Structure {
	list := []wire.Structure{}
	for _, text := range c.o.Broker.Prepared() {
		if x, ok := parseXID(text); ok {
			list = append(list, x)
		}
	}
	return list
}
