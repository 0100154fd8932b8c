/** Who stands in a Roster. */
export interface RosterMember {
  /** Where; the roster's alone to write. */
  rosterPlace: number;
}

/**
 * Who is busy, in no order. For what comes and goes with every request: a Set hashes its members, and is built anew again
 * and again where they only pass through.
 */
export class Roster<Member extends RosterMember> {
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  /** Puts in a member of no roster. */
  add(member: Member): void {
    member.rosterPlace = this.#members.length;
    this.#members.push(member);
  }

  /** Takes out a member; nothing happens where it is none. */
  delete(member: Member): void {
    const members = this.#members;
    const place = member.rosterPlace;
    if (members[place] !== member) return;
    const last = members.pop();
    if (last === undefined || last === member) return;
    members[place] = last;
    last.rosterPlace = place;
  }

  /** Members may leave meanwhile: who has left is not visited any more, but another may be visited twice. */
  forEach(visit: (member: Member) => void): void {
    const members = this.#members;
    for (let i = members.length - 1; i >= 0; i -= 1) {
      const member = members[i];
      if (member !== undefined) visit(member);
    }
  }
}
