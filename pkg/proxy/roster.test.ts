import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Roster } from './roster.ts';

class Member {
  rosterPlace = -1;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

function names(roster: Roster<Member>): string {
  const seen: string[] = [];
  roster.forEach(({ name }) => seen.push(name));
  return seen.toSorted().join('');
}

for (const { name, leave, want } of [
  { name: 'the first leaves', leave: 'a', want: 'bcd' },
  { name: 'one between leaves', leave: 'c', want: 'abd' },
  { name: 'the last leaves', leave: 'd', want: 'abc' },
  { name: 'who leaves twice takes nobody along', leave: 'aa', want: 'bcd' },
  { name: 'whose place was taken by another leaves too', leave: 'adb', want: 'c' },
  { name: 'all leave', leave: 'badc', want: '' },
]) {
  test(`roster: ${name}`, () => {
    const members = new Map(['a', 'b', 'c', 'd'].map((text) => [text, new Member(text)]));
    const roster = new Roster<Member>();
    for (const member of members.values()) roster.add(member);
    for (const text of leave) roster.delete(members.get(text) ?? new Member('nobody'));
    assert.equal(names(roster), want);
    assert.equal(roster.size, want.length);
  });
}

test('roster: nothing happens where one leaves that never came', () => {
  const roster = new Roster<Member>();
  roster.add(new Member('a'));
  roster.delete(new Member('b'));
  assert.equal(names(roster), 'a');
});

for (const { name, leave, want } of [
  { name: 'itself', leave: (visited: string) => visited, want: 'abc' },
  { name: 'all that are still to come', leave: (visited: string) => (visited === 'c' ? 'ab' : ''), want: 'c' },
  { name: 'all', leave: () => 'abc', want: 'c' },
]) {
  test(`roster: who leaves while members are visited is not visited any more: ${name}`, () => {
    const members = new Map(['a', 'b', 'c'].map((text) => [text, new Member(text)]));
    const roster = new Roster<Member>();
    for (const member of members.values()) roster.add(member);
    const seen: string[] = [];
    roster.forEach((member) => {
      seen.push(member.name);
      for (const text of leave(member.name)) roster.delete(members.get(text) ?? member);
    });
    assert.equal([...new Set(seen)].toSorted().join(''), want);
  });
}
