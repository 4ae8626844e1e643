package message

import (
	"hash/maphash"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tidings"
)

// Much of what opens mails and follows their links are machines: scanners that
// look for harm before the mail is shown, proxies that load everything so that
// nobody learns who opens what, previews of chats. Who they are can't be known for sure; these are the signs:
//
//	HEAD requests, and those that say that they are made ahead of need
//	programs that say what they are, or nothing at all
//	several links of one mail followed within two seconds

// machineAgents are parts of the names of programs that are not read by
// people. Google's and Yahoo's image proxies are none of them: they load what a person opens, when she does.
var machineAgents = []string{
	"bot/", "bot;", "bot)", "crawl", "spider", "scan", "preview", "prefetch", "headless", "phantomjs", "facebookexternalhit", "whatsapp", "slack-imgproxy",
	"barracuda", "proofpoint", "mimecast", "fireeye", "trendmicro", "symantec", "messagelabs", "forcepoint", "ironport", "mcafee", "sophos", "virustotal", "safelinks",
	"curl/", "wget/", "python", "java/", "go-http-client", "okhttp", "libwww", "httpclient", "axios/", "node-fetch",
}

// bareAgent is what Apple's mail privacy proxy calls itself.
const bareAgent = "Mozilla/5.0"

// isMachine judges a request by what it says of itself.
func isMachine(r *http.Request) bool {
	if r.Method == http.MethodHead {
		return true
	}
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if v := strings.ToLower(r.Header.Get(name)); strings.Contains(v, "prefetch") || strings.Contains(v, "preview") {
			return true
		}
	}
	agent := strings.TrimSpace(r.UserAgent())
	if agent == "" || agent == bareAgent {
		return true
	}
	agent = strings.ToLower(agent)
	return slices.ContainsFunc(machineAgents, func(part string) bool { return strings.Contains(agent, part) })
}

// bursts notices several links of a mail that are followed at once, as scanners
// do. It remembers a fixed number of mails, and forgets one for another.
type bursts struct {
	seed maphash.Seed

	mu    sync.Mutex
	slots [4096]burst
}

// burst is the newest clicks on one mail.
type burst struct {
	mail  tidings.MailID
	since time.Time
	links [3]uint64 // hashes of the first links
	n     int
}

// burstTime is how close together clicks on several links are a machine's.
const burstTime = 2 * time.Second

func newBursts() *bursts { return &bursts{seed: maphash.MakeSeed()} }

// click notes a click and says whether it is one of a burst: the third link
// within the time, or the second when the mail was sent just then.
func (b *bursts) click(mail tidings.MailID, link string, sent, now time.Time) bool {
	hash := maphash.String(b.seed, link)
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &b.slots[uint64(mail)%uint64(len(b.slots))]
	if s.mail != mail || now.Sub(s.since).Abs() > burstTime {
		*s = burst{mail: mail, since: now}
	}
	known := false
	for _, h := range s.links[:min(s.n, len(s.links))] {
		known = known || h == hash
	}
	if !known && s.n < len(s.links) {
		s.links[s.n] = hash
		s.n++
	}
	if now.Sub(sent) <= 2*burstTime {
		return s.n >= 2
	}
	return s.n >= 3
}
