package ui_test

import (
	"testing"

	"tidings"
)

func TestSearchFindsThingsOfEveryKindByTheirWords(t *testing.T) {
	w := newWorld(t)
	w.do("POST /v1/contacts", `{"email":"order.ann@example.com"}`)
	w.do("POST /v1/events", `{"eventTypeKey":"orderPaid","keyValue":"A-1"}`)
	w.do("POST /v1/webhooks", `{"name":"Order promo","method":"GET","url":"https://shop.example/promo"}`)
	w.do("POST /v1/segments", `{"name":"Order list"}`)
	p := w.as(tidings.RoleViewer).get("/search?q=order").want(200)
	p.says("order.ann@example.com", "orderPaid", "Order promo", "Order list")
	p.has("a[href=/contacts/1]", "a[href=/contacts/events?eventTypeKey=orderPaid]", "a[href=/automation/webhooks/1]", "a[href=/contacts/segments/1]")
}
