package api_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"tidings"
	"tidings/api"
	"tidings/api/apitest"
)

func TestTheAdminSeesWhoDelivers(t *testing.T) {
	started := time.Date(2026, 1, 31, 15, 4, 5, 0, time.UTC)
	leases := func(shards ...int) (list []tidings.Lease) {
		for _, s := range shards {
			list = append(list, tidings.Lease{Shard: s, Fence: 2})
		}
		return list
	}
	w := newWorld(t, func(c *api.Config) {
		c.Shared = true
		c.Nodes = func(context.Context) ([]tidings.Node, error) {
			return []tidings.Node{
				{ID: "x", Name: "a", Version: "1.2", Roles: []tidings.Role{tidings.RoleDeliver}, Started: started, Seen: started, Leases: leases(0, 1, 2, 7, 9, 10), Load: tidings.NodeLoad{Endpoints: 3, Backlog: 40}},
				{ID: "y", Name: "b", Version: "1.3", Addr: "10.0.0.2:8080", Roles: []tidings.Role{tidings.RoleAPI}, Started: started, Seen: started},
			}, nil
		}
	})
	a := w.Request(apitest.AdminToken, "GET /v1/nodes", "").Want(200).Has("shardsUnheld", 250.0)
	for _, part := range []string{
		`"name":"a","version":"1.2","addr":"","roles":["deliver"]`, `"shards":[[0,2],[7,7],[9,10]],"shardCount":6,"endpoints":3`, `"backlog":40`,
		`"name":"b","version":"1.3","addr":"10.0.0.2:8080","roles":["api"],"startedAt":"2026-01-31T15:04:05Z"`, `"shards":[],"shardCount":0`,
	} {
		if !strings.Contains(a.Body, part) {
			t.Errorf("no %s in %s", part, a.Body)
		}
	}
	w.Request(w.Account("shop"), "GET /v1/nodes", "").Want(403)
}

func TestATailShowsWhatAnyNodeTries(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Shared = true })
	key := w.Account("shop")
	w.create(key, "")
	w.Request(key, "POST /v1/activities", "["+activity("1")+"]").Want(200)
	<-w.Receiver.Came
	req, err := http.NewRequestWithContext(soon(t), http.MethodGet, w.URL+"/v1/endpoints/1/tail", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("", key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && lines.Text() != ": watching" {
	}
	for n := 2; n <= 4; n++ { // what an attempt is told by is in the store only
		w.Request(key, "POST /v1/activities", "["+activity("1")+"]").Want(200)
		<-w.Receiver.Came
	}
	seen := ""
	for lines.Scan() && !strings.Contains(seen, `"lastSeq":4`) {
		seen += lines.Text()
	}
	for _, first := range []string{`"firstSeq":2`, `"firstSeq":3`, `"firstSeq":4`} {
		if strings.Count(seen, first) != 1 {
			t.Errorf("attempt with %s was shown %d times: %s", first, strings.Count(seen, first), seen)
		}
	}
}

func TestAKeyThatAnotherNodeRevokedIsLookedUpAnew(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Shared = true })
	admin := w.Account("shop")
	key := w.key(admin, `"read"`)
	id := tidings.KeyID(w.Request(key, "GET /v1/accounts/me", "").Want(200).Get("key.id").(float64))
	if err := w.Store.RevokeKey(t.Context(), 1, id, "another node"); err != nil {
		t.Fatal(err)
	}
	w.API.KeysChanged()
	w.Request(key, "GET /v1/accounts/me", "").Want(401)
}
