import { Injectable } from '@nestjs/common';

/** Any provider of yours: a repository, a mailer … */
@Injectable()
export class Titles {
  readonly all: string[] = [];
}
