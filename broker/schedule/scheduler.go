package schedule

import (
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// Env is what a scheduler needs of the broker.
type Env struct {
	Store   store.Store
	Formats *message.Formats
	Log     *slog.Logger
	Now     func() int64 // Unix milliseconds
	// Prefix begins the identifiers of the jobs and of the messages that are delivered repeatedly.
	Prefix string
	// Deliver adds to a batch what puts the messages on their destinations and commits it. done is
	// called with the outcome, on the store's goroutine.
	Deliver func(b *store.Batch, list []Due, done func(error))
}

// Due is a message that is to be delivered now.
type Due struct {
	Message *message.Message
	To      []address.Address
}

const (
	window     = 4096    // keys in memory after they were read
	groupSize  = 256     // jobs that are delivered in one batch
	groupBytes = 4 << 20 // of their messages, after which a batch is full
	longestNap = time.Minute
)

// Scheduler delivers messages when they are due. It is safe for use by many goroutines.
type Scheduler struct {
	env Env

	mu      sync.Mutex
	next    keys // those that are due first
	horizon Key  // the store may have others behind it
	more    bool // it has
	late    []Key
	reading bool // keys are being read: what is added meanwhile goes to late, too

	work  sync.Mutex // held while jobs are delivered or removed
	wake  chan struct{}
	stop  chan struct{}
	done  sync.WaitGroup
	count atomic.Int64
}

// keys is a heap.
type keys []Key

func (h keys) Len() int           { return len(h) }
func (h keys) Less(i, j int) bool { return h[i].less(h[j]) }
func (h keys) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *keys) Push(x any) { *h = append(*h, x.(Key)) }

// Pop implements heap.Interface.
func (h *keys) Pop() any {
	last := len(*h) - 1
	k := (*h)[last]
	*h = (*h)[:last]
	return k
}

// New returns a scheduler that does not run yet.
func New(env Env) *Scheduler {
	return &Scheduler{env: env, wake: make(chan struct{}, 1), stop: make(chan struct{})}
}

// Start counts the jobs that the store has, and begins to deliver. It blocks for the counting.
func (s *Scheduler) Start(ctx context.Context) error {
	n := int64(0)
	err := s.env.Store.Records(ctx, store.Schedule, []byte{dueRecord}, []byte{dueRecord + 1}, func(key, _ []byte) error {
		if k, ok := parseKey(key); ok {
			if n++; n <= window {
				s.next = append(s.next, k)
				s.horizon = k
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	heap.Init(&s.next)
	s.more = n > window
	s.count.Store(n)
	s.done.Add(1)
	go s.run()
	return nil
}

// Stop ends deliveries and returns when none is under way.
func (s *Scheduler) Stop() {
	close(s.stop)
	s.done.Wait()
}

// Len returns the number of jobs.
func (s *Scheduler) Len() int64 { return s.count.Load() }

// Add adds the records of a message that is due later to a batch, which must be durable. Added must
// follow when the batch is done.
func (s *Scheduler) Add(b *store.Batch, m *message.Message, to []address.Address, p Plan) (Key, error) {
	due, ok := p.first(s.env.Now())
	if !ok {
		return Key{}, malformed("cron expression %q never fires", p.Cron)
	}
	k := Key{due, s.env.Store.NextID()}
	if p.Cron == "" {
		p.Delay = 0
	}
	j := job{ID: s.id(k.Number), Plan: p}
	for _, a := range to {
		j.To = append(j.To, a.String())
	}
	return k, s.put(b, k, &j, m)
}

func (s *Scheduler) put(b *store.Batch, k Key, j *job, m *message.Message) error {
	if err := j.put(b, k); err != nil {
		return err
	}
	b.PutRecord(store.Schedule, numbered(messageRecord, k.Number), appendMessage(nil, m))
	b.Durability = store.Durable
	return nil
}

func (s *Scheduler) id(n store.ID) string {
	return s.env.Prefix + ":" + strconv.FormatUint(uint64(n), 10)
}

// Added lets the scheduler know of jobs whose records are on disk. It does not block.
func (s *Scheduler) Added(list ...Key) {
	if len(list) == 0 {
		return
	}
	s.count.Add(int64(len(list)))
	s.mu.Lock()
	s.learn(list)
	s.mu.Unlock()
	s.signal()
}

// learn enters keys into the heap, if they belong there. The caller holds s.mu.
func (s *Scheduler) learn(list []Key) {
	for _, k := range list {
		if s.reading {
			s.late = append(s.late, k)
		}
		if !s.more || k.less(s.horizon) {
			heap.Push(&s.next, k)
		}
	}
	if len(s.next) > 4*window && !s.reading {
		// Memory stays flat: those that are due last are left to the store.
		kept := make(keys, 0, 2*window)
		for range window {
			kept = append(kept, heap.Pop(&s.next).(Key))
		}
		s.horizon, s.more = s.next[0], true // this one is not kept, and not behind itself
		s.next = kept                       // ascending, and so a heap
	}
}

func (s *Scheduler) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Rescan makes the scheduler look at the store again, after jobs came there without Added.
func (s *Scheduler) Rescan(ctx context.Context) error {
	s.work.Lock()
	defer s.work.Unlock()
	n := int64(0)
	err := s.env.Store.Records(ctx, store.Schedule, []byte{dueRecord}, []byte{dueRecord + 1}, func([]byte, []byte) error {
		n++
		return nil
	})
	if err != nil {
		return err
	}
	s.count.Store(n)
	s.mu.Lock()
	s.next, s.horizon, s.more = s.next[:0], Key{}, true
	s.mu.Unlock()
	s.signal()
	return nil
}

// run delivers until the scheduler stops.
func (s *Scheduler) run() {
	defer s.done.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-s.wake:
		case <-timer.C:
		}
		nap, err := s.deliverDue()
		if err != nil {
			if errors.Is(err, store.ErrStopped) || errors.Is(err, store.ErrClosed) {
				return
			}
			s.env.Log.Error("scheduled messages", "error", err)
			nap = time.Second
		}
		timer.Reset(min(nap, longestNap)) // the system's clock may be set meanwhile
	}
}

// deliverDue delivers what is due and returns how long there is nothing to do.
func (s *Scheduler) deliverDue() (time.Duration, error) {
	for {
		select {
		case <-s.stop:
			return 0, nil
		default:
		}
		if err := s.refill(); err != nil {
			return 0, err
		}
		s.work.Lock()
		group, nap := s.due()
		if len(group) == 0 {
			s.work.Unlock()
			return nap, nil
		}
		err := s.deliver(group)
		s.work.Unlock()
		if err != nil {
			s.mu.Lock()
			for _, k := range group {
				heap.Push(&s.next, k)
			}
			s.mu.Unlock()
			return 0, err
		}
	}
}

// due takes the keys of a group out of the heap.
func (s *Scheduler) due() (group []Key, nap time.Duration) {
	now := s.env.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.next) > 0 && s.next[0].Due <= now && len(group) < groupSize {
		k := heap.Pop(&s.next).(Key)
		if n := len(group); n == 0 || group[n-1] != k {
			group = append(group, k)
		}
	}
	switch {
	case len(group) > 0:
	case len(s.next) > 0:
		nap = time.Duration(s.next[0].Due-now) * time.Millisecond
	case !s.more:
		nap = longestNap
	}
	return group, nap
}

// refill reads further keys when none are left in memory.
func (s *Scheduler) refill() error {
	s.mu.Lock()
	if len(s.next) > 0 || !s.more {
		s.mu.Unlock()
		return nil
	}
	s.reading, s.late = true, nil
	from := s.horizon.record()
	s.mu.Unlock()
	full := errors.New("full")
	var list keys
	err := s.env.Store.Records(context.Background(), store.Schedule, from, []byte{dueRecord + 1}, func(key, _ []byte) error {
		k, ok := parseKey(key)
		switch {
		case !ok:
		case len(list) == window:
			list = append(list, k)
			return full
		default:
			list = append(list, k)
		}
		return nil
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	if err != nil && !errors.Is(err, full) {
		return err
	}
	if s.more = len(list) > window; s.more {
		s.horizon = list[window]
		list = list[:window]
	}
	s.next = append(s.next, list...)
	heap.Init(&s.next)
	late := s.late
	s.late = nil
	s.learn(late) // one that was read as well is found twice in a row
	return nil
}

// deliver puts the messages of one group on their destinations. It returns when that is on disk.
func (s *Scheduler) deliver(group []Key) error {
	ctx := context.Background()
	now := s.env.Now()
	batch := store.GetBatch()
	var out []Due
	var again []Key
	over, bytes := int64(0), 0
	for i, k := range group {
		if bytes > groupBytes {
			s.mu.Lock()
			for _, rest := range group[i:] {
				heap.Push(&s.next, rest)
			}
			s.mu.Unlock()
			break
		}
		j, m, err := s.read(ctx, k)
		switch {
		case errors.Is(err, store.ErrNotFound):
			continue // removed meanwhile
		case errors.Is(err, store.ErrCorrupt), errors.Is(err, message.ErrContent):
			s.env.Log.Error("a scheduled message is damaged and stays where it is", "job", s.id(k.Number), "error", err)
			continue
		case err != nil:
			store.PutBatch(batch)
			return err
		}
		bytes += m.Size()
		if j.Cron != "" && (j.Delay > 0 || j.Repeat > 0) {
			child, err := s.child(batch, j, m, now)
			if err != nil {
				store.PutBatch(batch)
				return err
			}
			again = append(again, child)
			over--
		} else {
			out = append(out, Due{s.copyOf(m, j, now), j.addresses()})
		}
		at, rest, ok := j.next(k.Due, now)
		if !ok {
			remove(batch, k)
			over++
			continue
		}
		batch.DeleteRecord(store.Schedule, k.record())
		j.Plan = rest
		j.Count++
		renewed := Key{at, k.Number}
		if err := j.put(batch, renewed); err != nil {
			store.PutBatch(batch)
			return err
		}
		again = append(again, renewed)
	}
	batch.Durability = store.Durable
	outcome := make(chan error, 1)
	s.env.Deliver(batch, out, func(err error) { outcome <- err })
	if err := <-outcome; err != nil {
		return err
	}
	s.count.Add(-over)
	s.mu.Lock()
	s.learn(again)
	s.mu.Unlock()
	return nil
}

// child adds the job that a cron expression with a delay or repeats starts each time it fires.
func (s *Scheduler) child(b *store.Batch, j *job, m *message.Message, now int64) (Key, error) {
	k := Key{now + j.Delay, s.env.Store.NextID()}
	c := job{ID: s.id(k.Number), To: j.To, Plan: Plan{Period: j.Period, Repeat: j.Repeat}}
	return k, s.put(b, k, &c, m)
}

// read returns a job with its message.
func (s *Scheduler) read(ctx context.Context, k Key) (*job, *message.Message, error) {
	value, err := s.env.Store.Record(ctx, store.Schedule, k.record())
	if err != nil {
		return nil, nil, err
	}
	j := new(job)
	if err := json.Unmarshal(value, j); err != nil {
		return nil, nil, errors.Join(store.ErrCorrupt, err)
	}
	if value, err = s.env.Store.Record(ctx, store.Schedule, numbered(messageRecord, k.Number)); err != nil {
		return nil, nil, err
	}
	m, err := parseMessage(value, s.env.Formats)
	return j, m, err
}

// copyOf returns the message as it is delivered: without what scheduled it, with the job's
// identifier, its time to live counted from now, and an identifier of its own if it comes
// repeatedly.
func (s *Scheduler) copyOf(m *message.Message, j *job, now int64) *message.Message {
	fields := []message.Field{{Name: PropJobID, Value: message.OfString(j.ID)}}
	for _, name := range [...]string{PropDelay, PropPeriod, PropRepeat, PropCron} {
		if _, ok := m.Property(name); ok {
			fields = append(fields, message.Field{Name: name})
		}
	}
	c := m.With(fields...)
	c.Flags &^= message.Scheduled
	if j.Cron != "" || j.Repeat > 0 || j.Count > 0 {
		c.ID = message.ID{Origin: j.ID, Seq: uint64(j.Count) + 1}
	}
	if m.Expiry > 0 && m.Timestamp > 0 && now > m.Timestamp {
		c.Expiry, c.Timestamp = now+m.Expiry-m.Timestamp, now
	}
	return c
}
