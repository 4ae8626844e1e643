package store

import "tidings"

// What a commit makes due may be taken up by any node: those of this process
// hear of it at once, those of others soon. These are called after the commit.

func (s *Store) runsDue() {
	s.opts.RunsDue()
	s.tellDue(tidings.NoticeRuns)
}

func (s *Store) mailsDue() {
	s.opts.MailsDue()
	s.tellDue(tidings.NoticeMails)
}

func (s *Store) broadcastsDue() { s.tellDue(tidings.NoticeBroadcasts) }

// Alone says whether no other process works on the database, so that nothing
// comes of which this one does not hear at once.
func (s *Store) Alone() bool { return s.engine.alone() }

// tellDue tells nobody when there is nobody: under load there is much to tell.
func (s *Store) tellDue(kind tidings.NoticeKind) {
	if e, shared := s.engine.(*pgEngine); shared && !e.peers.alone() {
		e.tellings.add(tidings.Notice{Kind: kind}, 0)
	}
}
