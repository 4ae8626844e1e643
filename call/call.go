package call

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/url"
	"sync"
	"time"

	"tidings"
	"tidings/egress"
	"tidings/scope"
	"tidings/vtl"
)

// Options configures a Caller. Client is required.
type Options struct {
	// Client is the door to the outside. Its Allow and the one of Rules are the
	// same ranges, and with AllowHTTP it has HTTPToAllowed.
	Client *egress.Client
	// UserAgent is sent with every request. Default: "Tidings".
	UserAgent string
	// Rules says what may be called. Default: https and public addresses.
	Rules Rules
	// Pace bounds the calls of one account to one host.
	Pace Pace
	// Breaker says when a host is left alone.
	Breaker BreakerLimits
	// ShareGets lets calls of one account that send the very same GET at the same
	// time have one reply together. Default: each call is sent.
	ShareGets bool
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Caller makes calls. It is safe for concurrent use, and has nothing to close.
type Caller struct {
	options Options
	hosts   *hosts
	tools   vtl.Tools
	flights flights

	renderers sync.Pool // of *renderer, that are not in use

	mu       sync.Mutex
	prepared map[preparedKey]*prepared
}

type preparedKey struct {
	id      tidings.WebhookID
	version int64
}

// maxPrepared is how many webhooks are kept with their templates parsed.
const maxPrepared = 1024

// New makes a Caller.
func New(o Options) *Caller {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.UserAgent = cmp.Or(o.UserAgent, "Tidings")
	return &Caller{
		options: o, hosts: newHosts(o.Pace, o.Breaker, o.Now), tools: vtl.StandardTools(),
		prepared: map[preparedKey]*prepared{},
	}
}

// Order is one call to make.
type Order struct {
	Webhook *tidings.Webhook   // passed by CheckWebhook
	Auth    *tidings.Auth      // of its connector; nil = none
	Contact *tidings.Contact   // nil = none
	Event   *tidings.Event     // nil = none
	Replies []scope.NamedReply // of earlier webhooks of the run
	// Instance is $workflowInstanceId. "" = not set.
	Instance string
	// Now is the clock of templates. Default: that of the machine.
	Now func() time.Time
	// Key names the call to the other side; the same over all that may repeat it.
	// Default: a random one.
	Key string
	// Test marks a call of "Send test": it goes also to a host that is left alone.
	Test bool
}

// Result is what came of a call.
type Result struct {
	// Call is the record, for the log and for people: secrets are masked.
	Call tidings.Call
	// Value is what templates see as $data.<name>; null unless the call is OK.
	Value vtl.Value
	// Reply is the reply as it came, for the run that goes on with it: ReplyValue
	// makes Value of it. nil unless the call is OK.
	Reply *tidings.Reply
	// Leaves lists the values of the reply and how templates reach them, secrets
	// masked; MoreLeaves says that there are more. Only of a test that is OK.
	Leaves     []Leaf
	MoreLeaves bool
	// Problem is set when the request could not be made: nothing was sent.
	Problem *Problem
	// Warnings are about values without content, and a reply that is not what it says it is.
	Warnings []Warning
}

// PartReply is the Part of warnings about the reply.
const PartReply Part = "reply"

// Do makes a call: it renders and checks the request, sends it, up to
// tidings.MaxTries times, and reads the reply. All that can go wrong is in the result; when ctx
// ends, the call does, with OutcomeCanceled.
func (c *Caller) Do(ctx context.Context, o Order) (res Result) {
	res = c.begin(&o)
	defer func() { res.Call.Duration = c.options.Now().Sub(res.Call.At) }()

	request := c.render(ctx, &o, &res)
	if request == nil {
		return res
	}
	m := c.complete(request, &o, &res)
	if c.options.ShareGets && o.Webhook.Method == tidings.MethodGet && !o.Test {
		c.flights.do(ctx, flightKey(o.Webhook.Account, request), &res, func() { c.send(ctx, request, &o, &res, m) })
		return res
	}
	c.send(ctx, request, &o, &res, m)
	return res
}

// begin notes what is known of a call before there is a request.
func (c *Caller) begin(o *Order) Result {
	var res Result
	res.Call = tidings.Call{
		Account: o.Webhook.Account, Webhook: o.Webhook.ID, Name: o.Webhook.Name, Test: o.Test,
		Key: o.Key, At: c.options.Now(), Outcome: tidings.OutcomeTemplate,
	}
	if o.Key == "" {
		res.Call.Key = "call_" + rand.Text()
	}
	if o.Contact != nil {
		res.Call.Contact = o.Contact.ID
	}
	if o.Event != nil {
		res.Call.Event = o.Event.ID
	}
	return res
}

// Hosts says how the calls of an account are going, for each host that there
// is something to know of, by name.
func (c *Caller) Hosts(account tidings.AccountID) []HostState { return c.hosts.states(account) }

// render makes the request of the templates; nil when that is not possible.
func (c *Caller) render(ctx context.Context, o *Order, res *Result) *rendered {
	p, problem := c.prepare(o.Webhook)
	var request *rendered
	if problem == nil {
		r, _ := c.renderers.Get().(*renderer)
		if r == nil {
			r = &renderer{}
		}
		r.begin(ctx, scope.Scope{Contact: o.Contact, Event: o.Event, Replies: o.Replies, Instance: o.Instance, Now: o.Now}, c.tools, p.zoned)
		request, problem = r.request(p)
		res.Warnings = r.warnings
		r.end()
		c.renderers.Put(r)
	}
	if problem == nil {
		return request
	}
	res.Problem = problem
	res.Call.Error = "nothing was sent: " + problem.Error()
	return nil
}

// prepare parses a webhook's templates, once for each version of a saved one.
func (c *Caller) prepare(w *tidings.Webhook) (*prepared, *Problem) {
	key := preparedKey{w.ID, w.Version}
	if key.id == 0 {
		return prepare(w, c.options.Rules)
	}
	c.mu.Lock()
	p := c.prepared[key]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, problem := prepare(w, c.options.Rules)
	if problem != nil {
		return nil, problem
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.prepared) >= maxPrepared {
		for old := range c.prepared { // any will do: which are in use shows soon enough
			delete(c.prepared, old)
			break
		}
	}
	c.prepared[key] = p
	return p, nil
}

// complete adds what the server sets, notes the request as people may see it, and gives what masks it.
func (c *Caller) complete(request *rendered, o *Order, res *Result) mask {
	h := request.header
	values := make([]string, 0, 4)    // of all four headers
	set := func(name, value string) { // name in its canonical form
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	if h.Get("User-Agent") == "" {
		set("User-Agent", c.options.UserAgent)
	}
	if h.Get("Accept") == "" {
		set("Accept", "application/json, application/xml;q=0.9, text/*;q=0.8, */*;q=0.1")
	}
	if h.Get("Accept-Encoding") == "" {
		set("Accept-Encoding", "identity") // a reply is read as it comes; nothing is ever inflated
	}
	set(IDHeader, res.Call.Key)
	request.url = authorize(o.Auth, request.url, h)
	m := newMask(o.Auth, h)
	res.Call.Request = tidings.SentRequest{
		Method: o.Webhook.Method, URL: m.url(request.url), Headers: m.rows(h), Body: m.text(string(request.body)),
	}
	return m
}

// send makes the tries.
func (c *Caller) send(ctx context.Context, request *rendered, o *Order, res *Result, m mask) {
	key := hostKey{o.Webhook.Account, hostOf(request.url)}
	for {
		t, err := c.hosts.acquire(ctx, key, o.Test)
		if err != nil {
			c.refused(err, res)
			return
		}
		n := len(res.Call.Tries) + 1
		r, v := c.try(ctx, request, o.Webhook, res)
		c.hosts.release(t, v)
		wait, again := waitAfter(n, v.rest)
		if v.again && !again {
			v.advice = "it asks to come back " + inWords(v.rest) + " (Retry-After); " + v.advice
		}
		if !v.again || !again || n == tidings.MaxTries {
			c.finish(&r, v, res, m)
			return
		}
		res.Call.Tries[n-1].Wait = wait
		if err := sleep(ctx, wait); err != nil {
			c.finish(&r, verdict{outcome: tidings.OutcomeCanceled, what: "stopped by this server between two tries; before that: " + v.what}, res, m)
			return
		}
	}
}

// refused ends a call whose try was not let go.
func (c *Caller) refused(err error, res *Result) {
	res.Call.Outcome, res.Call.Error = tidings.OutcomeCanceled, "stopped by this server before its turn came"
	if paused, ok := errors.AsType[*pausedError](err); ok {
		res.Call.Outcome, res.Call.Error = tidings.OutcomePaused, "not sent: "+paused.Error()
		if len(res.Call.Tries) > 0 {
			res.Call.Error = "not tried again: " + paused.Error()
		}
	}
}

// try sends the request once and notes it.
func (c *Caller) try(ctx context.Context, request *rendered, w *tidings.Webhook, res *Result) (egress.Response, verdict) {
	start := c.options.Now()
	within, cancel := context.WithTimeout(ctx, cmp.Or(w.Timeout, tidings.DefaultCallTimeout))
	defer cancel()
	req := egress.Request{
		Method: request.method, URL: request.url, Header: request.header,
		Keep: tidings.MaxReply, RetryStale: true, Fresh: len(res.Call.Tries) > 0,
	}
	if len(request.body) > 0 {
		req.Body = [][]byte{request.body}
	}
	r, err := c.options.Client.Do(within, req)
	end := c.options.Now()
	v := judge(ctx, request.url, &r, err, end)
	res.Call.Tries = append(res.Call.Tries, tidings.Try{
		At: start, Duration: end.Sub(start), Status: r.Status, Outcome: v.outcome, Error: v.text(), Timing: timingOf(&r),
	})
	return r, v
}

func timingOf(r *egress.Response) tidings.Timing {
	t := &r.Timing
	return tidings.Timing{
		Lookup: t[egress.PhaseLookup], Connect: t[egress.PhaseConnect], Handshake: t[egress.PhaseHandshake],
		Send: t[egress.PhaseSend], Wait: t[egress.PhaseStart] + t[egress.PhaseWait],
		Receive: t[egress.PhaseHead] + t[egress.PhaseBody], Reused: r.Reused,
	}
}

// finish reads the reply of the last try and ends the call.
func (c *Caller) finish(r *egress.Response, v verdict, res *Result, m mask) {
	if r.Status >= 100 {
		read := readReply(r.Header.Get("Content-Type"), r.Header.Get("Content-Encoding"), r.Body)
		reply := tidings.Reply{
			Status: r.Status, Headers: m.rows(r.Header), Format: read.format, Body: read.body, Truncated: !r.Whole,
		}
		switch {
		case v.outcome != tidings.OutcomeOK:
		case read.err != nil:
			v.outcome, v.what, v.advice = tidings.OutcomeReply, read.err.Error(), "have the outside system correct its answer"
			last := &res.Call.Tries[len(res.Call.Tries)-1]
			last.Outcome, last.Error = v.outcome, v.text()
		default:
			res.Value = read.value
			whole := reply
			res.Reply = &whole
			if res.Call.Test {
				res.Leaves, res.MoreLeaves = Expressions(res.Call.Name, read.value)
				m.leaves(res.Leaves)
			}
		}
		if read.warning != "" {
			res.Warnings = append(res.Warnings, Warning{Part: PartReply, Reason: read.warning})
		}
		shown := reply
		shown.Body = m.bytes(reply.Body)
		res.Call.Reply = &shown
	}
	res.Call.Outcome, res.Call.Error = v.outcome, v.text()
}

// hostOf gives host:port of a URL.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "http" {
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return net.JoinHostPort(u.Hostname(), "443")
}
