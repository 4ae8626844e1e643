package ui

func (s *Server) registerWebhooks() {
	s.look("/automation/webhooks", (*visit).webhooksPage)
	s.edit("/automation/webhooks/new", (*visit).newWebhook)
	s.act("/automation/webhooks", (*visit).createWebhook)
	s.look("/automation/webhooks/{id}", (*visit).webhookPage)
	s.act("/automation/webhooks/{id}", (*visit).saveWebhook)
	s.act("/automation/webhooks/form", (*visit).webhookAgain)
	s.act("/automation/webhooks/preview", (*visit).previewWebhook)
	s.edit("/automation/webhooks/from-curl", (*visit).commandPage)
	s.act("/automation/webhooks/from-curl", (*visit).takeCommand)
	s.act("/automation/webhooks/connector", (*visit).connectorOfWindow)
}

func (v *visit) webhooksPage() error { return v.nothingHere() }
