package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// demoShop is the outside system of the demo: a shop's API over HTTPS, with a
// certificate that only the demo's own authority vouches for.
type demoShop struct {
	url   string
	http  *http.Server
	ended chan error
}

// newDemoShop starts the shop and writes the certificate of its authority to a file.
func newDemoShop(authority string) (*demoShop, error) {
	cert, text, err := demoCertificate()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		return nil, err
	}
	socket, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	if err != nil {
		return nil, err
	}
	s := &demoShop{url: "https://" + socket.Addr().String(), ended: make(chan error, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/contacts", shopContacts)
	mux.HandleFunc("POST /promocodes", shopPromoCodes)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { s.ended <- s.http.Serve(socket) }()
	return s, nil
}

// stop ends the shop; what is under way is cut off.
func (s *demoShop) stop() error {
	err := s.http.Close()
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// shopContacts finds contacts by email: an array, as in the first example of the marketers' guide.
func shopContacts(w http.ResponseWriter, r *http.Request) {
	email := r.URL.Query().Get("email")
	id := int64(687_266_000)
	for _, c := range email {
		id += int64(c)
	}
	shopAnswer(w, []map[string]any{{"id": id, "email": email}})
}

// shopPromoCodes gives a code for a town: an object, as in the second example.
func shopPromoCodes(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Town string `json:"town"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&asked); err != nil {
		http.Error(w, "the body is no JSON", http.StatusBadRequest)
		return
	}
	shopAnswer(w, map[string]any{"promocode": strings.ToUpper(asked.Town) + "-" + rand.Text()[:6]})
}

func shopAnswer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	// A client that does not take the answer has gone; nothing is left to tell it.
	_ = json.NewEncoder(w).Encode(v)
}

// demoCertificate makes a certificate for 127.0.0.1, signed by itself, and its text.
func demoCertificate() (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// demoPeople are the subscribers of the invented shop.
type demoPerson struct{ first, last, email, town string }

func demoPeople() []demoPerson {
	return []demoPerson{
		{"Olena", "Bondar", "olena.bondar@mail.example", "Lviv"},
		{"Marko", "Koval", "marko.koval@mail.example", "Kyiv"},
		{"Iryna", "Melnyk", "iryna.melnyk@mail.example", "Odesa"},
		{"Taras", "Tkach", "taras.tkach@mail.example", "Poltava"},
		{"Sofia", "Moroz", "sofia.moroz@mail.example", "Lutsk"},
		{"Danylo", "Savchuk", "danylo.savchuk@mail.example", "Kharkiv"},
	}
}

// introduceContacts makes the subscribers known to the server.
func introduceContacts(ctx context.Context, api *client) error {
	for _, p := range demoPeople() {
		contact := map[string]any{
			"firstName": p.first, "lastName": p.last, "email": p.email, "address": map[string]any{"town": p.town},
		}
		if err := api.call(ctx, http.MethodPost, "/v1/contacts", contact, nil); err != nil {
			return err
		}
	}
	return nil
}
