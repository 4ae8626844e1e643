package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"tidings/cmd/tidings/receiver"
)

// mood is how the demo's receiver behaves for a while.
type mood struct {
	words  string
	length time.Duration
	down   bool            // nothing listens
	answer receiver.Answer // otherwise
}

// moods is the receiver's day, over and over.
func moods() []mood {
	return []mood{
		{words: "answers 200", length: 5 * time.Second},
		{words: "is overloaded and answers 503", length: 4 * time.Second, answer: receiver.Answer{Status: http.StatusServiceUnavailable}},
		{words: "answers 200 again", length: 6 * time.Second},
		{words: "is restarted: nothing listens", length: 4 * time.Second, down: true},
		{words: "answers 200 again", length: 6 * time.Second},
		{words: "hangs and answers too late", length: 4 * time.Second, answer: receiver.Answer{Delay: demoTimeout + time.Second}},
		{words: "answers 200 again", length: 6 * time.Second},
		{words: "has a bug and answers 500", length: 4 * time.Second, answer: receiver.Answer{Status: http.StatusInternalServerError}},
		{words: "answers 200 again", length: 6 * time.Second},
		{words: "breaks the connection", length: 3 * time.Second, answer: receiver.Answer{Hang: true}},
		{words: "answers 200 again", length: 6 * time.Second},
	}
}

// demoReceiver is a receiver whose mood changes.
type demoReceiver struct {
	addr    string
	handler http.Handler
	stop    context.CancelFunc // nil while nothing listens
	ended   chan error

	mu    sync.Mutex
	now   int // index of its mood
	good  bool
	seen  tally
	chain chain // of the activities accepted, in order
	// lives is what happened to the mails of the workflow, by their iids.
	lives map[string][]string
}

func newDemoReceiver(secret string) (*demoReceiver, error) {
	r := &demoReceiver{addr: receiverAddress(), chain: newChain(), lives: map[string][]string{}}
	r.handler = &receiver.Receiver{
		Checker: receiver.NewChecker(secret, nil),
		Decide:  func(int64, receiver.Delivery) receiver.Answer { return r.mood().answer },
		Seen:    r.saw,
	}
	return r, r.up()
}

// receiverAddress gives an address that can be had again after a pause: its
// port is below the ones that the system gives to outgoing connections.
func receiverAddress() string {
	for port := 9000; port < 9100; port++ {
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		if socket, err := net.Listen("tcp", addr); err == nil {
			socket.Close()
			return addr
		}
	}
	return "127.0.0.1:0"
}

func (r *demoReceiver) url() string { return "http://" + r.addr + "/webhooks" }

// up listens, the first time on a free port and then on the same one.
func (r *demoReceiver) up() error {
	socket, err := net.Listen("tcp", r.addr)
	if err != nil {
		return listenError(r.addr, err)
	}
	r.addr = socket.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	r.stop, r.ended = stop, make(chan error, 1)
	go func() { r.ended <- serveUntil(ctx, socket, r.handler, 0) }()
	return nil
}

// down stops listening and breaks what is under way.
func (r *demoReceiver) down() error {
	if r.stop == nil {
		return nil
	}
	r.stop()
	r.stop = nil
	return <-r.ended
}

func (r *demoReceiver) mood() mood {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.good {
		return moods()[0]
	}
	return moods()[r.now]
}

// next changes the mood.
func (r *demoReceiver) next() (mood, error) {
	r.mu.Lock()
	r.now = (r.now + 1) % len(moods())
	r.mu.Unlock()
	m := r.mood()
	if m.down {
		return m, r.down()
	}
	return m, r.ensureUp()
}

// beGood ends all moods: from now on everything is answered 200.
func (r *demoReceiver) beGood() error {
	r.mu.Lock()
	r.good = true
	r.mu.Unlock()
	return r.ensureUp()
}

func (r *demoReceiver) ensureUp() error {
	if r.stop != nil {
		return nil
	}
	return r.up()
}

func (r *demoReceiver) saw(d receiver.Delivery, a receiver.Answer) {
	var activities []activity
	err := json.Unmarshal(d.Body, &activities)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen.add(d, a, len(activities), err)
	if !a.Accepted() || !d.Fresh() {
		return
	}
	for _, x := range activities {
		r.chain.add(x.IID + " " + x.Status)
		if x.Instance != "" {
			r.lives[x.IID] = append(r.lives[x.IID], x.Status)
		}
	}
}

// circles says how many mails of the workflow were delivered, read and clicked
// in, as the receiver was told in this order; the error is another order.
func (r *demoReceiver) circles() (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	whole := []string{"DELIVERED", "READ", "CLICKED"}
	n := 0
	for iid, life := range r.lives {
		if len(life) > len(whole) || !slices.Equal(life, whole[:len(life)]) {
			return 0, fmt.Errorf("of the mail %s the receiver was told %v", iid, life)
		}
		if len(life) == len(whole) {
			n++
		}
	}
	return n, nil
}

func (r *demoReceiver) tally() tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

func (r *demoReceiver) digest() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.chain.sum()
}

// activity is what tells activities apart.
type activity struct {
	IID      string `json:"iid"`
	Status   string `json:"activityStatus"`
	Instance string `json:"workflowInstanceId"` // "" = of no workflow of the demo
}

// chain digests a sequence of words: two are equal when all words are, in order.
type chain struct{ hash hash.Hash }

func newChain() chain { return chain{sha256.New()} }

func (c chain) add(word string) { c.hash.Write([]byte(word + "\n")) }

func (c chain) sum() string { return hex.EncodeToString(c.hash.Sum(nil)) }
