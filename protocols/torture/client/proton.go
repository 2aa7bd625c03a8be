package client

import (
	"bufio"
	"context"
	_ "embed" // the program that the process runs
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// python is Debian's own interpreter, for which its packages of libraries are.
const python = "/usr/bin/python3"

//go:embed proton_process.py
var protonProgram string

// ErrMissing says that a client library is not installed.
var ErrMissing = errors.New("the client library is not installed")

// Proton is a process that speaks AMQP 1.0 through qpid-proton's Python binding, for any number of
// clients. Commands and events go through its standard input and output.
type Proton struct {
	cmd *exec.Cmd
	in  io.Closer

	writing sync.Mutex
	w       *bufio.Writer

	mu      sync.Mutex
	clients map[uint64]*protonClient
	last    uint64
	ended   chan struct{}
}

// StartProton starts a process, which ends with Close, or with this one. Its error is ErrMissing
// where the library is not installed.
func StartProton(ctx context.Context) (*Proton, error) {
	if out, err := exec.CommandContext(ctx, python, "-c", "import proton").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %w: %s", ErrMissing, err, out)
	}
	p := &Proton{cmd: exec.Command(python, "-c", protonProgram), clients: make(map[uint64]*protonClient), ended: make(chan struct{})}
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	p.in, p.w = in, bufio.NewWriterSize(in, 64<<10)
	go p.read(bufio.NewReaderSize(out, 64<<10))
	return p, nil
}

// Close ends the process, and with it all connections.
func (p *Proton) Close() error {
	err := p.in.Close()
	<-p.ended
	return errors.Join(err, p.cmd.Wait())
}

// protonCommand is what the process is told to do.
type protonCommand struct {
	Client      uint64 `json:"c"`
	Do          string `json:"do"`
	URL         string `json:"url,omitempty"`
	Container   string `json:"container"`
	User        string `json:"user"`
	Password    string `json:"password"`
	From        string `json:"from,omitempty"`
	Mode        string `json:"mode,omitempty"`
	Prefetch    int    `json:"prefetch,omitempty"`
	Durable     string `json:"durable"`
	To          string `json:"to,omitempty"`
	Persistent  bool   `json:"p"`
	Label       string `json:"l"`
	Transaction string `json:"x"`
	Token       uint64 `json:"t"`
	Handle      uint64 `json:"h,omitempty"`
	Size        int    `json:"n"`
}

// protonEvent is what the process says.
type protonEvent struct {
	Client      uint64 `json:"c"`
	Event       string `json:"e"`
	Token       uint64 `json:"t"`
	Why         string `json:"why"`
	Handle      uint64 `json:"h"`
	Label       string `json:"l"`
	Redelivered bool   `json:"r"`
	Size        int    `json:"n"`
}

func (p *Proton) tell(c protonCommand, body []byte) error {
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	_, _ = p.w.Write(append(line, '\n')) // an error shows at the flush
	_, _ = p.w.Write(body)
	return p.w.Flush()
}

// read hands events to the clients that they are for.
func (p *Proton) read(out *bufio.Reader) {
	defer close(p.ended)
	for {
		var e protonEvent
		line, err := out.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &e)
		}
		body := make([]byte, e.Size)
		if err == nil {
			_, err = io.ReadFull(out, body)
		}
		p.mu.Lock()
		if err != nil {
			for _, c := range p.clients {
				c.fail(fmt.Errorf("the client process ended: %w", err))
			}
			p.mu.Unlock()
			return
		}
		c := p.clients[e.Client]
		p.mu.Unlock()
		if c != nil {
			c.take(&e, body)
		}
	}
}

// Dial connects as the package's Dial does.
func (p *Proton) Dial(ctx context.Context, target, clientID string) (Client, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	c := &protonClient{inbox: newInbox(), p: p, said: make(chan string, 4)}
	p.mu.Lock()
	p.last++
	c.number = p.last
	p.clients[c.number] = c
	p.mu.Unlock()
	password, _ := u.User.Password()
	open := protonCommand{Do: "open", URL: "amqp://" + u.Host, Container: clientID, User: u.User.Username(), Password: password}
	if err := c.tell(open, nil); err != nil {
		c.Abandon()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	if err := c.await(ctx, "open"); err != nil {
		c.Abandon()
		return nil, fmt.Errorf("login: %w", err)
	}
	return c, nil
}

// protonClient is one connection of the process.
type protonClient struct {
	*inbox
	p      *Proton
	number uint64
	id     string      // of the subscription
	said   chan string // open, attached, begun, closed and gone: what is waited for
}

func (c *protonClient) tell(k protonCommand, body []byte) error {
	k.Client = c.number
	return c.p.tell(k, body)
}

// take handles an event, on the goroutine that reads them.
func (c *protonClient) take(e *protonEvent, body []byte) {
	switch e.Event {
	case "ok":
		if e.Token != 0 {
			c.push(Event{Token: e.Token})
		}
		return
	case "no":
		c.push(Event{Token: e.Token, Err: errors.New(e.Why)})
		return
	case "message":
		c.push(Event{Delivery: &Delivery{
			Subscription: c.id, Handle: strconv.FormatUint(e.Handle, 10), Label: e.Label, Redelivered: e.Redelivered, Body: body,
		}})
		return
	case "gone":
		c.fail(errors.New(e.Why))
	}
	select {
	case c.said <- e.Event:
	default: // nobody waits
	}
}

// await waits until the process says something.
func (c *protonClient) await(ctx context.Context, what string) error {
	for {
		select {
		case said := <-c.said:
			switch said {
			case what:
				return nil
			case "gone":
				c.mu.Lock()
				defer c.mu.Unlock()
				return fmt.Errorf("waiting until it is %s: %w", what, c.err)
			}
		case <-c.p.ended:
			return errors.New("the client process ended")
		case <-ctx.Done():
			return fmt.Errorf("waiting until it is %s: %w", what, ctx.Err())
		}
	}
}

// do has a command carried out, and waits until that is said.
func (c *protonClient) do(k protonCommand, done string) error {
	if err := c.tell(k, nil); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), confirmTimeout)
	defer cancel()
	return c.await(ctx, done)
}

// Subscribe may be called once on a connection.
func (c *protonClient) Subscribe(id string, s Subscription) error {
	modes := map[Settlement]string{Individual: "individual", Unconfirmed: "unconfirmed", Auto: "auto"}
	k := protonCommand{Do: "subscribe", From: address(s.Destination), Mode: modes[s.Mode], Prefetch: s.Prefetch, Durable: s.Durable}
	if k.Mode == "" {
		return fmt.Errorf("the library does not settle as %v", s.Mode)
	}
	if k.Prefetch == 0 {
		k.Prefetch = 100
	}
	c.id = id
	return c.do(k, "attached")
}

func (c *protonClient) Send(m Message, token uint64) error {
	if m.Group != "" {
		return errNoGroups
	}
	return c.tell(protonCommand{
		Do: "send", To: address(m.Destination), Persistent: m.Persistent, Label: m.Label, Transaction: m.Transaction, Token: token, Size: len(m.Body),
	}, m.Body)
}

func (c *protonClient) Ack(d Delivery, transaction string, token uint64) error {
	handle, err := strconv.ParseUint(d.Handle, 10, 64)
	if err != nil {
		return err
	}
	return c.tell(protonCommand{Do: "ack", Handle: handle, Transaction: transaction, Token: token}, nil)
}

func (c *protonClient) Begin(transaction string) error {
	return c.do(protonCommand{Do: "begin", Transaction: transaction}, "begun")
}

func (c *protonClient) Commit(transaction string, token uint64) error {
	return c.tell(protonCommand{Do: "commit", Transaction: transaction, Token: token}, nil)
}

func (c *protonClient) Abort(transaction string, token uint64) error {
	return c.tell(protonCommand{Do: "abort", Transaction: transaction, Token: token}, nil)
}

// ReleasesAborted implements Releasing: the library releases what an aborted transaction had
// settled.
func (*protonClient) ReleasesAborted() {}

// Flush has nothing to do: commands are written at once.
func (c *protonClient) Flush() error { return nil }

func (c *protonClient) Next(wait time.Duration) (Event, error) { return c.next(wait) }

func (c *protonClient) Close() error {
	defer c.Abandon()
	return c.do(protonCommand{Do: "close"}, "closed")
}

func (c *protonClient) Abandon() {
	c.p.mu.Lock()
	known := c.p.clients[c.number] == c
	delete(c.p.clients, c.number)
	c.p.mu.Unlock()
	if known {
		_ = c.tell(protonCommand{Do: "cut"}, nil) // else the process has ended, and the connection with it
		c.fail(errors.New("abandoned"))
	}
}
