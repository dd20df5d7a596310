import { describe, expect, it } from "vitest";
import { toHex } from "../../src/bytes/bytes";
import { approvalsNeeded, mayCommit } from "../../src/room/authority";
import { RoomPlanError } from "../../src/room/errors";
import {
  type Plan,
  planChange,
  planLeaves,
  planRename,
  planWithdrawApproval,
  type Reference,
} from "../../src/room/plans";
import { type Change, NOBODY, type RoomContext, withApprovers } from "../../src/room/roomContext";
import { expectRecorded } from "./recorded";
import { account, altered, broken, contextIn, inviteBy, kinds, leaveOf, removeOf, World } from "./world";

const FIVE = ["anna", "ben", "cleo", "dora", "emil"];
const five = new World(FIVE);
const removal = (name: string): Change => ({ kind: "remove", target: account(name) });
const codeOf = (run: () => Plan): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof RoomPlanError) return error.code;
    throw error;
  }
  return "a plan";
};

describe("E14: how many must agree", () => {
  const needed = (who: readonly string[], target: string) => {
    const world = new World(who);
    return approvalsNeeded(world.context, world.roster, removal(target));
  };

  it("E14 half of the other accounts, and at least two", () => {
    expect([2, 3, 4, 5, 6, 7].map((n) => needed([...FIVE, "fred", "gina"].slice(0, n), "ben"))).toEqual([
      2, 2, 2, 2, 3, 3,
    ]);
  });

  it("E14 an account has one vote, however many devices it has", () => {
    expect(needed(["anna", "ben", "ben laptop", "ben phone", "cleo", "dora"], "cleo")).toBe(2);
    const world = new World(["anna", "ben", "ben laptop", "cleo", "dora"]);
    const one = world.commits("ben", planChange(world.situation("ben"), removal("cleo")));
    expect(kinds(one)).toEqual(["removal_proposed"]);
    const again = world.after(one);
    expect(codeOf(() => planChange(again.situation("ben laptop"), removal("cleo")))).toBe("already_approved");
    expect(broken(() => again.says("ben laptop", [removeOf(3 as never)]))).toBe("E14 approvals");
  });

  it("E14 of two, the founder may remove the other, and the other may only leave", () => {
    const two = new World(["anna", "ben"]);
    expect(mayCommit(two.context, two.roster, removal("ben") as never, account("anna"))).toBe(true);
    expect(mayCommit(two.context, two.roster, removal("anna") as never, account("ben"))).toBe(false);
    expect(broken(() => two.says("ben", [removeOf(two.at("anna"))]))).toBe("E14 approvals");
    // An approval of one's own, twice over or in a pending list, is still one.
    const proposed = two.commits("ben", planChange(two.situation("ben"), removal("anna")));
    const pending = two.after(proposed);
    expect(broken(() => pending.says("ben", [removeOf(two.at("anna"))]))).toBe("E14 approvals");
  });

  it("E14 of two without their founder, neither may remove the other", () => {
    const two = new World(["ben", "cleo"], { founder: account("anna") });
    expect(broken(() => two.says("ben", [removeOf(two.at("cleo"))]))).toBe("E14 approvals");
    expect(broken(() => two.says("cleo", [removeOf(two.at("ben"))]))).toBe("E14 approvals");
  });
});

describe("E14: removing another account", () => {
  it("E14 the founder may at once", () => {
    const change = five.commits("anna", planChange(five.situation("anna"), removal("dora")));
    expect(change.what).toEqual([{ kind: "removed", account: account("dora"), approvers: [] }]);
    expect(change.gone.map(toHex)).toEqual([toHex(account("dora"))]);
    expect(change.roster.size).toBe(4);
  });

  it("E14 anybody else proposes it, and the one who makes it enough removes", () => {
    const proposed = five.commits("ben", planChange(five.situation("ben"), removal("dora")));
    expect(proposed.what).toEqual([{ kind: "removal_proposed", target: account("dora") }]);
    expect(proposed.roster.size).toBe(5);
    const after = five.after(proposed);
    const removed = after.commits("cleo", planChange(after.situation("cleo"), removal("dora")));
    expect(removed.what).toEqual([
      { kind: "removed", account: account("dora"), approvers: [account("ben")] },
    ]);
    expect(removed.context.pending).toEqual([]);
  });

  it("E14 the founder too is removed by the others together", () => {
    const proposed = five.after(five.commits("ben", planChange(five.situation("ben"), removal("anna"))));
    const removed = proposed.commits("emil", planChange(proposed.situation("emil"), removal("anna")));
    expect(kinds(removed)).toEqual(["removed"]);
    const left = proposed.after(removed);
    expect(broken(() => left.says("ben", [removeOf(left.at("cleo"))]))).toBe("E14 approvals");
  });

  it("E14 a founder who is gone is founder no more, and comes back as a member like all others", () => {
    const plan = planLeaves(five.situation("ben"), [leaveOf(five.at("anna"))]);
    const left = five.commits("ben", plan);
    expect(left.context.founder).toEqual(NOBODY);
    const kept = altered(plan, () => five.context);
    expect(broken(() => five.commits("ben", kept))).toBe("E14 founder_absent");
    const seized = altered(plan, (context) => ({ ...context, founder: account("ben") }));
    expect(broken(() => five.commits("ben", seized))).toBe("E14 approvals");
    // The others may name another, by half of them and at least two.
    const orphaned = five.after(left);
    const change: Change = { kind: "founder", target: account("cleo") };
    const first = orphaned.after(orphaned.commits("cleo", planChange(orphaned.situation("cleo"), change)));
    const second = first.commits("dora", planChange(first.situation("dora"), change));
    expect(second.context.founder).toEqual(account("cleo"));
  });

  it("E14 one approval too few is invalid", () => {
    expect(broken(() => five.says("ben", [removeOf(five.at("dora"))]))).toBe("E14 approvals");
    const six = new World([...FIVE, "fred"], {});
    const proposed = six.after(six.commits("ben", planChange(six.situation("ben"), removal("dora"))));
    // Six: five others, so three.
    expect(broken(() => proposed.says("cleo", [removeOf(six.at("dora"))]))).toBe("E14 approvals");
    const second = proposed.commits("cleo", planChange(proposed.situation("cleo"), removal("dora")));
    expect(kinds(second)).toEqual(["removal_approved"]);
  });

  it("E14 the one to be removed has no voice in it, and approvals of who is gone count for nothing", () => {
    const said = withApprovers(five.context, removal("dora"), [account("dora")]);
    expect(broken(() => five.with(said).says("ben", [removeOf(five.at("dora"))]))).toBe("E14 approvals");
    const gone = withApprovers(five.context, removal("dora"), [account("zoe")]);
    expect(broken(() => five.with(gone).says("ben", [removeOf(five.at("dora"))]))).toBe("E14 approvals");
  });

  it("E14 goes with all devices of the account, and nothing less", () => {
    const world = new World(["anna", "ben", "ben laptop", "cleo"]);
    const plan = planChange(world.situation("anna"), removal("ben"));
    expect(plan.proposals.filter(({ type }) => type === "remove")).toHaveLength(2);
    expect(kinds(world.commits("anna", plan))).toEqual(["removed"]);
    expect(broken(() => world.says("anna", [removeOf(world.at("ben"))]))).toBe("E14 part_of_account");
  });
});

describe("E14: approvals", () => {
  const proposed = five.after(five.commits("ben", planChange(five.situation("ben"), removal("dora"))));
  const pendingOf = (...names: string[]) => withApprovers(five.context, removal("dora"), names.map(account));

  it("E14 are nobody's to give in another's name, nor to take", () => {
    expect(broken(() => five.says("ben", [], pendingOf("cleo")))).toBe("E14 approval_forged");
    expect(broken(() => five.says("ben", [], pendingOf("ben", "cleo")))).toBe("E14 approval_forged");
    expect(broken(() => proposed.says("cleo", [], pendingOf("cleo")))).toBe("E14 approval_forged");
    expect(broken(() => proposed.says("cleo", [], five.context))).toBe("E14 approval_forged");
  });

  it("E14 are taken back by who gave them", () => {
    const plan = planWithdrawApproval(proposed.situation("ben"), removal("dora"));
    const back = proposed.commits("ben", plan);
    expect(back.what).toEqual([{ kind: "removal_withdrawn", target: account("dora") }]);
    expect(back.context.pending).toEqual([]);
    expect(codeOf(() => planWithdrawApproval(proposed.situation("cleo"), removal("dora")))).toBe(
      "not_approved",
    );
  });

  it("E14 are taken back while those of others stay", () => {
    const six = new World([...FIVE, "fred"]);
    const one = six.after(six.commits("ben", planChange(six.situation("ben"), removal("dora"))));
    const two = one.after(one.commits("cleo", planChange(one.situation("cleo"), removal("dora"))));
    const back = two.commits("ben", planWithdrawApproval(two.situation("ben"), removal("dora")));
    expect(back.what).toEqual([{ kind: "removal_withdrawn", target: account("dora") }]);
    expect(back.context.pending).toEqual([
      { kind: "remove", target: account("dora"), approvers: [account("cleo")] },
    ]);
  });

  it("E14 are of something that can be", () => {
    const ask = (change: Change) => () =>
      five.says("ben", [], withApprovers(five.context, change, [account("ben")]));
    expect(broken(ask(removal("zoe")))).toBe("E14 approval_void");
    expect(broken(ask(removal("ben")))).toBe("E14 approval_void");
    expect(broken(ask({ kind: "founder", target: account("anna") }))).toBe("E14 approval_void");
    expect(broken(ask({ kind: "policy", policy: five.context.policy }))).toBe("E14 approval_void");
    expect(broken(ask({ kind: "invite", target: account("zoe") }))).toBe("E14 approval_void");
  });

  it("E14 end with the one they are about, and with the one who gave them", () => {
    const world = proposed.after(
      proposed.commits("cleo", planChange(proposed.situation("cleo"), removal("emil"))),
    );
    expect(world.context.pending).toHaveLength(2);
    const left = world.commits("anna", planLeaves(world.situation("anna"), [leaveOf(world.at("dora"))]));
    expect(left.context.pending.map(({ kind }) => kind)).toEqual(["remove"]);
    const after = world.commits("anna", planLeaves(world.situation("anna"), [leaveOf(world.at("ben"))]));
    expect(after.context.pending).toHaveLength(1);
    // A Commit that keeps them is invalid, with a context of its own or without.
    const stale = planLeaves(world.situation("anna"), [leaveOf(world.at("ben"))]);
    expect(
      broken(() =>
        world.commits(
          "anna",
          altered(stale, () => world.context),
        ),
      ),
    ).toBe("E14 approval_forged");
    expect(broken(() => world.commits("anna", { ...stale, proposals: [] }))).toBe("E14 approval_forged");
  });

  it("E14 are at most eight of one person at a time", () => {
    let context: RoomContext = five.context;
    for (let k = 2; k <= 8; k++) {
      context = withApprovers(context, { kind: "policy", policy: { admitApprovals: k } }, [account("ben")]);
    }
    context = withApprovers(context, removal("cleo"), [account("ben")]);
    const full = five.with(context);
    expect(codeOf(() => planChange(full.situation("ben"), removal("dora")))).toBe("too_many_approvals");
    const more = withApprovers(context, removal("dora"), [account("ben")]);
    expect(broken(() => full.says("ben", [], more))).toBe("E14 approval_count");
  });
});

describe("E14: policy, charter and founder", () => {
  const hash = new Uint8Array(48).fill(7);
  const changes: Record<string, Change> = {
    policy: { kind: "policy", policy: { admitApprovals: 2 } },
    charter: { kind: "charter", hash },
    founder: { kind: "founder", target: account("cleo") },
  };
  for (const [name, change] of Object.entries(changes)) {
    it(`E14 ${name}: the founder at once; others by approvals of half of those who are not the founder`, () => {
      expect(kinds(five.commits("anna", planChange(five.situation("anna"), change)))).toEqual([name]);
      const first = five.commits("ben", planChange(five.situation("ben"), change));
      expect(first.what).toEqual([{ kind: "change_proposed", change: expect.objectContaining(change) }]);
      const after = five.after(first);
      const done = after.commits("dora", planChange(after.situation("dora"), change));
      expect(kinds(done)).toEqual([name]);
      expect(done.context.pending).toEqual([]);
      const alone = contextIn(planChange(five.situation("anna"), change));
      expect(broken(() => five.says("ben", [], alone))).toBe("E14 approvals");
    });
  }

  it("E14 an approval of any of them is taken back by who gave it", () => {
    const change = changes.charter!;
    const first = five.after(five.commits("ben", planChange(five.situation("ben"), change)));
    const second = first.after(first.commits("anna", planRename(first.situation("anna"), "Fridays")));
    const back = second.commits("ben", planWithdrawApproval(second.situation("ben"), change));
    expect(back.what).toEqual([{ kind: "change_withdrawn", change: expect.objectContaining(change) }]);
    expect(back.context.pending).toEqual([]);
  });

  it("E14 what was done is pending no more", () => {
    const change = changes.policy!;
    const first = five.after(five.commits("ben", planChange(five.situation("ben"), change)));
    const plan = planChange(first.situation("anna"), change);
    const kept = altered(plan, (context) => withApprovers(context, change, [account("ben")]));
    expect(broken(() => first.commits("anna", kept))).toBe("E14 approval_forged");
  });

  it("E14 the founder is somebody who is here", () => {
    expect(broken(() => five.says("anna", [], { ...five.context, founder: account("zoe") }))).toBe(
      "E14 founder_absent",
    );
  });

  it("E14 a charter is replaced, not dropped", () => {
    const chartered = five.with({ charterHash: hash });
    expect(broken(() => chartered.says("anna", [], five.context))).toBe("E14 charter");
  });

  it("E14 what the room has already cannot be approved", () => {
    const chartered = five.with({ charterHash: hash });
    const approving = (change: Change) =>
      broken(() => chartered.says("ben", [], withApprovers(chartered.context, change, [account("ben")])));
    expect(approving({ kind: "charter", hash: new Uint8Array(48) })).toBe("valid");
    expect(approving(changes.charter!)).toBe("E14 approval_void");
  });
});

describe("E14: leaving", () => {
  it("E14 everyone may, by a Remove of themselves that another commits", () => {
    const change = five.commits("cleo", planLeaves(five.situation("cleo"), [leaveOf(five.at("ben"))]));
    expect(change.what).toEqual([
      { kind: "left", account: account("ben"), device: expect.any(Uint8Array), whole: true },
    ]);
  });

  it("E14 one device may leave while its person stays, and E30 then no invite is void", () => {
    const invite = inviteBy("anna");
    const world = new World(["anna", "ben", "ben laptop"], { invites: [invite.open] });
    const plan = planLeaves(world.situation("anna"), [leaveOf(world.at("ben laptop"))]);
    expect(plan.proposals).toEqual([]);
    const change = world.commits("anna", plan);
    expect(change.what).toMatchObject([{ kind: "left", whole: false }]);
    expect(change.context.invites).toHaveLength(1);
  });

  it("E14 a leave replaces the Remove by value of its leaf", () => {
    const references: Reference[] = [leaveOf(five.at("ben"))];
    const plan = planLeaves(five.situation("anna"), references);
    expect(plan.references).toEqual(references);
    expect(plan.proposals.filter(({ type }) => type === "remove")).toEqual([]);
  });
});

it("E14 whatever was judged above is judged alike in every language", async () => {
  await expectRecorded("authority");
});
