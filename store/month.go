package store

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

// month is a month of arrival: its frames are in a table of their own, so that
// retention drops whole tables.
type month struct {
	name string // YYYY_MM; names sort by time
	// at0..at1 covers the activityDateTime of all in it, in seconds, in whole
	// days so that it seldom has to be written.
	at0, at1 int64
	dropping bool // retention has begun to empty it: nobody reads it any more
}

func (m month) table() string { return "frame_" + m.name }

// monthName names the month that an instant falls in, in UTC.
func monthName(t time.Time) string { return t.UTC().Format("2006_01") }

// inMonth puts a month's table into a statement. The name is ours and never a client's.
func inMonth(query string, m month) string { return strings.ReplaceAll(query, "{frame}", m.table()) }

const daySeconds = 24 * 60 * 60

// widened gives the month with its range made to cover at0..at1, in whole days.
func (m month) widened(at0, at1 int64) month {
	m.at0 = min(m.at0, at0-floorMod(at0, daySeconds))
	m.at1 = max(m.at1, at1-floorMod(at1, daySeconds)+daySeconds-1)
	return m
}

func floorMod(a, b int64) int64 { return (a%b + b) % b }

// months is the registry of what is committed, oldest first.
type months struct {
	sync.RWMutex
	list []month // replaced, never changed in place
}

// all gives the months, oldest first; not to be changed.
func (m *months) all() []month {
	m.RLock()
	defer m.RUnlock()
	return m.list
}

// newest names the newest month, "" when there is none.
func (m *months) newest() string {
	list := m.all()
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1].name
}

// get gives the month of a name.
func (m *months) get(name string) (month, bool) {
	list := m.all()
	i, ok := slices.BinarySearchFunc(list, name, func(one month, name string) int { return cmp.Compare(one.name, name) })
	if !ok {
		return month{}, false
	}
	return list[i], true
}

func (m *months) put(one month) {
	m.Lock()
	defer m.Unlock()
	list := slices.DeleteFunc(slices.Clone(m.list), func(o month) bool { return o.name == one.name })
	list = append(list, one)
	slices.SortFunc(list, func(a, b month) int { return cmp.Compare(a.name, b.name) })
	m.list = list
}

func (m *months) remove(name string) {
	m.Lock()
	defer m.Unlock()
	m.list = slices.DeleteFunc(slices.Clone(m.list), func(o month) bool { return o.name == name })
}

// load reads the registry.
func (m *months) load(q querier) error {
	list, err := readMonths(q)
	if err != nil {
		return err
	}
	m.Lock()
	defer m.Unlock()
	m.list = list
	return nil
}

func readMonths(q querier) ([]month, error) {
	rows, err := q.rows("SELECT name, at0, at1, dropping FROM month ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []month
	for rows.Next() {
		var one month
		if err := rows.Scan(&one.name, &one.at0, &one.at1, &one.dropping); err != nil {
			return nil, readError(err)
		}
		list = append(list, one)
	}
	return list, readError(rows.Err())
}
