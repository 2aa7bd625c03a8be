package interoptest

import (
	"time"
)

func timeScenarios() []scenario {
	return []scenario{
		{
			name: "time/expired", about: "a message that has expired is not delivered; a persistent one goes to ActiveMQ.DLQ", needs: []feature{selectors, expiry},
			run: func(e *env) {
				c, dead := e.open(), e.dead()
				c.send(e.queue(), e.mark(message{text: "dead", durable: true, ttl: time.Millisecond}))
				c.send(e.queue(), e.mark(message{text: "gone", ttl: time.Millisecond}))
				e.elapse(20 * time.Millisecond)
				e.send(c, e.queue(), "1")
				want(e.T, e.open().consume(e.queue(), consuming{}), "1")
				want(e.T, dead, "dead")
			},
		},
		{
			name: "time/expired-offline", about: "what has expired does not come to a subscriber who was away", needs: []feature{expiry},
			run: func(e *env) {
				c := e.openAs("")
				c.consume(e.topic(), consuming{durable: "d"})
				c.close()
				s, ttl := e.open(), time.Millisecond
				if e.isMQTT() {
					ttl = time.Second // there is nothing shorter
				}
				s.send(e.topic(), message{text: "gone", durable: true, ttl: ttl})
				e.elapse(ttl + 20*time.Millisecond)
				e.send(s, e.topic(), "1")
				want(e.T, e.openAs("").consume(e.topic(), consuming{durable: "d"}), "1")
			},
		},
		{
			name: "time/not-expired", about: "a message whose time is not over is delivered", needs: []feature{queues, expiry},
			run: func(e *env) {
				c := e.open()
				c.send(e.queue(), message{text: "1", durable: true, ttl: time.Minute})
				want(e.T, e.open().consume(e.queue(), consuming{}), "1")
			},
		},
		{
			name: "time/delay", about: "a message with a delay comes when it is over, behind what was sent without one", needs: []feature{queues, delays},
			run: func(e *env) {
				c := e.open()
				k := e.open().consume(e.queue(), consuming{})
				sent, delay := time.Now(), 300*time.Millisecond
				c.send(e.queue(), message{text: "late", durable: true, delay: delay})
				e.send(c, e.queue(), "early")
				want(e.T, k, "early", "late")
				if took := time.Since(sent); took < delay-time.Millisecond { // which is what a broker's clock tells apart
					e.Errorf("it came after %v", took)
				}
			},
		},
		{
			name: "time/delay-order", about: "delayed messages come in the order of their times", needs: []feature{queues, delays},
			run: func(e *env) {
				c := e.open()
				k := e.open().consume(e.queue(), consuming{})
				for _, ms := range []int{1100, 500, 800} {
					c.send(e.queue(), message{text: numbers(ms, ms)[0], delay: time.Duration(ms) * time.Millisecond, durable: true})
				}
				want(e.T, k, "500", "800", "1100")
			},
		},
		{
			name: "time/repeat", about: "a repetition of 2 is three deliveries", needs: []feature{queues, delays},
			run: func(e *env) {
				c := e.open()
				k := e.open().consume(e.queue(), consuming{})
				c.send(e.queue(), message{
					text: "1", durable: true, properties: []pair{{"AMQ_SCHEDULED_REPEAT", int32(2)}, {"AMQ_SCHEDULED_PERIOD", int64(50)}},
				})
				for _, r := range want(e.T, k, "1", "1", "1") {
					if r.properties["scheduledJobId"] == "" {
						e.Errorf("there is no scheduledJobId in %v", r.properties)
					}
				}
				wantNothing(e.T, k)
			},
		},
		{
			name: "time/delay-transaction", about: "a delay counts from the commit on, and a rollback schedules nothing", needs: []feature{transactions, delays},
			run: func(e *env) {
				c := e.open()
				k := e.open().consume(e.queue(), consuming{})
				c.begin()
				c.put(e.queue(), message{text: "lost", durable: true, delay: 50 * time.Millisecond})
				c.rollback()
				c.begin()
				c.put(e.queue(), message{text: "1", durable: true, delay: 50 * time.Millisecond})
				c.commit()
				want(e.T, k, "1")
				wantNothing(e.T, k)
			},
		},
	}
}
