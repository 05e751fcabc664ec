import { Module } from '@nestjs/common';
import { WebSubModule } from '@websub/subscriber/nest';
import { BlogSubscriber } from './blog.subscriber.js';
import { Titles } from './titles.js';
import { TitlesController } from './titles.controller.js';

@Module({
  // On one machine it needs no options; in production { publicUrl: 'https://me.example', store: sqliteStore('…') }.
  imports: [WebSubModule.forRoot()],
  controllers: [TitlesController],
  providers: [Titles, BlogSubscriber],
})
export class AppModule {}
