import { WebSubError } from '@websub/shared/errors';

/** A wrong option; the message reads on after the option's name. */
export class OptionError extends WebSubError {
  readonly option: string;
  readonly complaint: string;

  constructor(option: string, complaint: string) {
    super('invalid_configuration', `${option} ${complaint}`);
    this.option = option;
    this.complaint = complaint;
  }
}
