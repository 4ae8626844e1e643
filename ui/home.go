package ui

import "net/http"

func (s *Server) registerHome() {
	s.look("/{$}", func(v *visit) error {
		return v.page(view{Title: "Dashboard"}, refusalPage(&refusal{Status: http.StatusOK, Detail: "x"}))
	})
}
