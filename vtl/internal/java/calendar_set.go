package java

import "time"

// setFields are the fields that were set, and in which order: of fields that
// say different things the ones set last count, as in java.util.Calendar.
type setFields struct {
	value  [calFields]int
	stamp  [calFields]int // 0: not set
	count  int
	locale *Locale
}

func (s *setFields) put(f calField, n int) {
	s.count++
	s.value[f], s.stamp[f] = n, s.count
}

func (s *setFields) has(f calField) bool { return s.stamp[f] > 0 }

// both is the later stamp of two fields that only count together.
func (s *setFields) both(a, b calField) int {
	if !s.has(a) || !s.has(b) {
		return 0
	}
	return max(s.stamp[a], s.stamp[b])
}

// millis works the instant out.
func (s *setFields) millis(zone *time.Location) int64 {
	day := s.day()
	timeOfDay := s.timeOfDay()
	day += floorDiv(timeOfDay, msPerDay)
	timeOfDay -= floorDiv(timeOfDay, msPerDay) * msPerDay
	if s.has(calZone) {
		return day*msPerDay + timeOfDay - int64(s.value[calZone])
	}
	return localToInstant(day, timeOfDay, zone)
}

func (s *setFields) timeOfDay() int64 {
	hour := s.value[calHourOfDay]
	halves := s.both(calHour, calAmPm)
	if halves > s.stamp[calHourOfDay] || !s.has(calHourOfDay) {
		hour = s.value[calHour] + 12*s.value[calAmPm]
	}
	f := Fields{
		Hour: hour, Minute: s.value[calMinute],
		Second: s.value[calSecond], Millisecond: s.value[calMillisecond],
	}
	return f.timeOfDay()
}

func (s *setFields) year() int {
	year := 1970
	if s.has(calYear) {
		year = s.value[calYear]
	}
	if s.has(calEra) && s.value[calEra] == 0 {
		year = 1 - year
	}
	return min(max(year, -maxYear), maxYear)
}

// day chooses between the ways to name a day: by month, by week or by year.
func (s *setFields) day() int64 {
	if s.stamp[calWeekYear] > s.stamp[calYear] {
		return s.weekDate()
	}
	wom := s.both(calWeekOfMonth, calWeekday)
	dowim := s.both(calWeekdayInMonth, calWeekday)
	doy := s.stamp[calYearDay]
	woy := s.both(calWeekOfYear, calWeekday)
	dom := s.stamp[calDay]
	best := max(dom, wom, dowim, doy, woy)
	if best == 0 {
		wom = s.stamp[calWeekOfMonth]
		dowim = max(s.stamp[calWeekdayInMonth], s.stamp[calWeekday])
		woy = s.stamp[calWeekOfYear]
		if best = max(wom, dowim, woy); best == 0 {
			dom = s.stamp[calMonth]
			best = dom
		}
	}
	switch {
	case best == dom:
		return s.dayOfMonth()
	case best == wom && s.stamp[calWeekOfMonth] >= s.stamp[calWeekOfYear],
		best == dowim && s.stamp[calWeekdayInMonth] >= s.stamp[calWeekOfYear]:
		if wom == dowim && s.stamp[calWeekOfMonth] >= s.stamp[calWeekdayInMonth] || wom != dowim && best == wom {
			return s.dayByWeekOfMonth()
		}
		return s.dayByWeekdayInMonth()
	case best == doy:
		return dayOf(s.year(), 0, 1) + int64(s.value[calYearDay]) - 1
	}
	return s.dayByWeek(s.year(), s.value[calWeekOfYear], s.weekday())
}

func (s *setFields) month() int { return s.value[calMonth] }

func (s *setFields) dayOfMonth() int64 {
	first := dayOf(s.year(), s.month(), 1)
	if s.has(calDay) {
		return first + int64(s.value[calDay]) - 1
	}
	return first
}

// weekday is the day of the week that was set, else the first of the week.
func (s *setFields) weekday() int {
	if s.has(calWeekday) {
		return s.value[calWeekday]
	}
	return s.locale.firstDay
}

func (s *setFields) dayByWeekOfMonth() int64 {
	start := weekStart(dayOf(s.year(), s.month(), 1), s.locale)
	return onOrBefore(start+6, s.weekday()) + 7*int64(s.value[calWeekOfMonth]-1)
}

func (s *setFields) dayByWeekdayInMonth() int64 {
	first := dayOf(s.year(), s.month(), 1)
	n := 1
	if s.has(calWeekdayInMonth) {
		n = s.value[calWeekdayInMonth]
	}
	if n >= 0 {
		return onOrBefore(first+7*int64(n)-1, s.weekday())
	}
	next := dayOf(s.year(), s.month()+1, 1)
	return onOrBefore(next+7*int64(n+1)-1, s.weekday())
}

func (s *setFields) dayByWeek(year, week, weekday int) int64 {
	start := weekStart(dayOf(year, 0, 1), s.locale)
	return onOrBefore(start+6, weekday) + 7*int64(week-1)
}

// weekDate is the day of a week year; its week and weekday may be out of range.
func (s *setFields) weekDate() int64 {
	week, weekday := 1, s.weekday()
	if s.has(calWeekOfYear) {
		week = s.value[calWeekOfYear]
	}
	if weekday < 1 || weekday > 7 {
		// Only the letter u lets one through: 1 is Monday.
		weeks := int(floorDiv(int64(weekday-1), 7))
		week += weeks
		weekday = (weekday-weeks*7)%7 + 1
	}
	year := min(max(s.value[calWeekYear], -maxYear), maxYear)
	return s.dayByWeek(year, week, weekday)
}
