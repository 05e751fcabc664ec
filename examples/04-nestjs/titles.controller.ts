import { Body, Controller, Get, Post } from '@nestjs/common';
import { Titles } from './titles.js';

/** The application's own routes: their bodies are parsed as ever. */
@Controller('titles')
export class TitlesController {
  constructor(private readonly titles: Titles) {}

  @Get()
  list(): readonly string[] {
    return this.titles.all;
  }

  @Post()
  add(@Body() body: { readonly title: string }): number {
    return this.titles.all.push(body.title);
  }
}
