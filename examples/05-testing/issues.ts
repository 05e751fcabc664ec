import { OnEvent, RetryLater, SubscriberService, type Notification } from '@websub/subscriber';

export class IssueOpened {
  id!: number;
  title!: string;
}

/** Where issues are kept; in the tests, a list. */
export interface Archive {
  save(issue: IssueOpened): Promise<void>;
}

/** The subscriber under test. */
@SubscriberService({
  target: ['https://hub.example/', 'https://tracker.example/issues'],
  leaseSeconds: 86_400,
})
export class Issues {
  constructor(private readonly archive: Archive) {}

  @OnEvent({ header: ['X-Event', 'issueOpened'] }, IssueOpened)
  async onOpened(_notification: Notification<IssueOpened>, opened: IssueOpened): Promise<void> {
    try {
      await this.archive.save(opened);
    } catch {
      throw new RetryLater(60);
    }
  }
}
