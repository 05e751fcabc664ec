/** What the issue tracker sends when an issue is opened. */
export class IssueOpenedEvent {
  id!: number;
  title!: string;
  openedBy!: string;
}

/** What it sends when an issue is assigned. */
export class IssueAssignedEvent {
  id!: number;
  assignedTo!: string;
}
