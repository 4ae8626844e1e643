package main

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
)

// mailLinks finds what a mail program would load and what its reader would
// follow: the picture that tells of an open, and the first tracked link.
func mailLinks(letter string) (open, click string, err error) {
	m, err := mail.ReadMessage(strings.NewReader(letter))
	if err != nil {
		return "", "", err
	}
	html, err := htmlPart(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	if err != nil {
		return "", "", err
	}
	src := regexp.MustCompile(`<img src="([^"]+/o/[^"]+)"`).FindStringSubmatch(html)
	href := regexp.MustCompile(`href="([^"]+/c/[^"]+)"`).FindStringSubmatch(html)
	if src == nil || href == nil {
		return "", "", errors.New("the mail has no tracked link")
	}
	return src[1], href[1], nil
}

// htmlPart gives the html of a mail, decoded; "" when it has none.
func htmlPart(contentType, encoding string, body io.Reader) (string, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", fmt.Errorf("Content-Type: %w", err)
	}
	if !strings.HasPrefix(media, "multipart/") {
		if strings.EqualFold(encoding, "quoted-printable") {
			body = quotedprintable.NewReader(body)
		}
		text, err := io.ReadAll(body)
		if media != "text/html" {
			text = nil
		}
		return string(text), err
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		html, err := htmlPart(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p)
		if err != nil || html != "" {
			return html, err
		}
	}
}
