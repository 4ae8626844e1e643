package ui

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"tidings"
	"tidings/ui/part"
)

func (s *Server) registerNodes() {
	s.look("/settings/nodes", (*visit).nodesPage)
}

// node is a process of the installation, as the API shows it.
type node struct {
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Addr       string     `json:"addr"`
	Roles      []string   `json:"roles"`
	StartedAt  *time.Time `json:"startedAt"`
	SeenAt     *time.Time `json:"seenAt"`
	Shards     [][2]int   `json:"shards"`
	ShardCount int        `json:"shardCount"`
	Endpoints  int        `json:"endpoints"`
	Blocked    int        `json:"blocked"`
	InFlight   int        `json:"inFlight"`
	Backlog    int64      `json:"backlog"`
}

// nodesView is the page of nodes.
type nodesView struct {
	clock  part.Clock
	Nodes  []node `json:"nodes"`
	Unheld int    `json:"shardsUnheld"`
}

// nodesPage is for those who run the installation, whatever their role.
func (v *visit) nodesPage() error {
	if !v.user.Operator {
		return &refusal{
			Status: http.StatusForbidden, Code: tidings.CodeForbidden, Title: "For those who run the server",
			Detail: "Nodes belong to the installation and not to an account: the user who set it up sees them.",
		}
	}
	n := nodesView{clock: v.clock}
	if err := v.get("/v1/nodes", nil, &n); err != nil {
		return err
	}
	return v.page(view{Title: "Nodes", Purpose: "The processes of this installation, and which endpoints each delivers for."}, nodesPage(n))
}

// ranges writes the shards that a node holds: "0-84, 100".
func (n node) ranges() string {
	texts := make([]string, len(n.Shards))
	for i, r := range n.Shards {
		texts[i] = strconv.Itoa(r[0])
		if r[1] != r[0] {
			texts[i] += "-" + strconv.Itoa(r[1])
		}
	}
	return strings.Join(texts, ", ")
}
