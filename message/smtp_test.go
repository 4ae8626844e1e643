package message

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"tidings"
)

// scriptServer answers each line that it gets by a function; "" = it closes.
// Within a mail it answers at its end only, as END.
func scriptServer(t *testing.T, answer func(line string) string) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			converse(c, answer)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return &Server{Addr: l.Addr().String()}
}

func converse(c net.Conn, answer func(string) string) {
	defer c.Close()
	if _, err := c.Write([]byte("220 script\r\n")); err != nil {
		return
	}
	lines := bufio.NewScanner(c)
	within := false
	for lines.Scan() {
		line := lines.Text()
		if within && line != "." {
			continue
		}
		if within {
			line = "END"
		}
		says := answer(line)
		within = strings.HasPrefix(says, "354")
		if says == "" {
			return
		}
		if _, err := c.Write([]byte(says + "\r\n")); err != nil {
			return
		}
	}
}

// polite answers as a server that takes all; ehlo is what it offers.
func polite(ehlo string, change map[string]string) func(string) string {
	return func(line string) string {
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		if says, ok := change[verb]; ok {
			return says
		}
		switch verb {
		case "EHLO":
			return ehlo
		case "DATA":
			return "354 go on"
		case "QUIT":
			return "221 bye"
		}
		return "250 ok"
	}
}

func TestConversations(t *testing.T) {
	const plain, pipelined = "250 script", "250-script\r\n250 PIPELINING"
	for name, c := range map[string]struct {
		ehlo     string
		change   map[string]string
		verb     verb
		words    string
		reusable bool
	}{
		"without pipelining":              {plain, nil, verbSent, "", true},
		"with pipelining":                 {pipelined, nil, verbSent, "", true},
		"refused, without":                {plain, map[string]string{"RCPT": "550 5.1.1 no"}, verbRefused, "smtp;550 5.1.1 no", true},
		"refused, waits for the mail":     {pipelined, map[string]string{"RCPT": "550 5.1.1 no"}, verbRefused, "smtp;550 5.1.1 no", false},
		"refused, and the data too":       {pipelined, map[string]string{"RCPT": "550 5.1.1 no", "DATA": "503 no recipients"}, verbRefused, "smtp;550 5.1.1 no", true},
		"sender refused":                  {pipelined, map[string]string{"MAIL": "553 5.1.8 no", "RCPT": "503 x", "DATA": "503 x"}, verbRefused, "smtp;553 5.1.8 no", true},
		"wants a login":                   {plain, map[string]string{"MAIL": "530 5.7.0 login first"}, verbServer, "smtp;530 5.7.0 login first", false},
		"speaks another protocol":         {plain, map[string]string{"DATA": "250 what?"}, verbLater, "smtp;250 what?", false},
		"closes before the mail":          {plain, map[string]string{"DATA": ""}, verbLater, "the connection to the mail server broke: it closed the connection", false},
		"closes after the mail":           {plain, map[string]string{"END": ""}, verbLost, "the connection broke after the mail was sent and before the server's answer: it closed the connection", false},
		"talks without end":               {plain, map[string]string{"RCPT": strings.Repeat("250-more\r\n", 10_000) + "250 end"}, verbLater, "the connection to the mail server broke: the server says more than is listened to", false},
		"says nothing that one can read":  {plain, map[string]string{"RCPT": "hello"}, verbLater, `the connection to the mail server broke: short response: "hello"`, false},
		"refuses the mail in many a line": {pipelined, map[string]string{"END": "554-5.7.1 your mail\r\n554 5.7.1 is spam"}, verbRefused, "smtp;554 5.7.1 your mail is spam", true},
	} {
		server := scriptServer(t, polite(c.ehlo, c.change))
		s, err := server.dial(context.Background(), "me.example")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		a := s.send(&letter{from: "shop@example.com", to: "ann@example.com", data: []byte("Subject: x\r\n\r\nx\r\n")}, time.Now().Add(10*time.Second))
		if a.verb != c.verb || a.words != c.words || a.reusable != c.reusable {
			t.Errorf("%s:\n got  %d %q %v\n want %d %q %v", name, a.verb, a.words, a.reusable, c.verb, c.words, c.reusable)
		}
		if a.reusable {
			if b := s.send(&letter{from: "shop@example.com", to: "ann@example.com", data: []byte("x")}, time.Now().Add(10*time.Second)); b.verb != c.verb {
				t.Errorf("%s: the second mail: %d %q", name, b.verb, b.words)
			}
		}
		s.client.Close()
	}
}

// TestAServerOfFewConversationsGetsAllMails: it turns the third one away.
func TestAServerOfFewConversationsGetsAllMails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	slots := make(chan struct{}, 2)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			select {
			case slots <- struct{}{}:
				all.Go(func() {
					converse(c, polite("250-script\r\n250 PIPELINING", nil))
					<-slots
				})
			default:
				_, err := c.Write([]byte("421 4.7.0 too many\r\n"))
				must(t, err)
				c.Close()
			}
		}
	})
	t.Cleanup(all.Wait)
	t.Cleanup(func() { l.Close() })
	f := newFakeStore()
	for i := range 300 {
		f.queue(fmt.Sprintf("a%d@d%d.example", i, i%7))
	}
	startSender(t, f, nil, func(o *SenderOptions) { o.Server, o.Connections = &Server{Addr: l.Addr().String()}, 8 })
	f.waitFor(t, "all mails", f.allSettled)
	f.with(func() {
		for _, o := range f.outcomes {
			if o.State != tidings.MailSent {
				t.Errorf("mail %d: %s %s", o.Mail, o.State, o.Error)
			}
		}
	})
}

// TestAConversationThatWasClosedMeanwhileCostsNoMail: servers close idle connections.
func TestAConversationThatWasClosedMeanwhileCostsNoMail(t *testing.T) {
	mails := 0
	server := scriptServer(t, func(line string) string {
		if line == "END" {
			mails++
		}
		if mails == 1 && strings.HasPrefix(line, "MAIL") {
			mails = 2
			return "" // at the second mail
		}
		return polite("250 script", nil)(line)
	})
	f := newFakeStore()
	f.queue("a@example.com")
	f.queue("b@example.com")
	startSender(t, f, nil, func(o *SenderOptions) { o.Server, o.Connections = server, 1 })
	f.waitFor(t, "both mails", f.allSettled)
	f.with(func() {
		for _, o := range f.outcomes {
			if o.Error != "" {
				t.Errorf("mail %d: %s %s", o.Mail, o.State, o.Error)
			}
		}
	})
}
