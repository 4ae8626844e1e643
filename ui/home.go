package ui

import "tidings/ui/part"

func (s *Server) registerHome() {
	s.look("/{$}", func(v *visit) error {
		return v.page(view{Title: "Dashboard"}, part.Note(part.Quiet))
	})
}
